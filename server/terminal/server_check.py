"""The check of the server that the commands talk to: whether it would take a message, and if not, why."""

from http import HTTPStatus
from typing import Final

import httpx

from server.doctor.checks import Finding, Verdict
from server.settings import variable

PATIENCE_SECONDS: Final = 5.0
SUBJECT: Final = "server"


async def server_finding(address: str | None) -> Finding:
    """Return what a server says of its readiness."""
    if address is None:
        text = "none is named: commands run in their own process"
        return Finding(Verdict.OK, SUBJECT, text)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            response = await client.get("/health/ready")
            answer: dict[str, str] = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        step = f"Start `planwright serve` there, or correct {variable('server')}."
        return Finding(Verdict.FAILED, SUBJECT, f"{address} does not answer as Planwright does", step)
    if response.status_code == HTTPStatus.OK:
        return Finding(Verdict.OK, SUBJECT, f"{address} takes messages")
    text = f"{address} is not ready: {answer.get('error', '')}"
    return Finding(Verdict.FAILED, SUBJECT, text, "Run `planwright doctor` there, with the settings of that server.")
