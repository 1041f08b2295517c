"""What stands behind the `?`: whatever is sent there is answered, quickly, in our words, and never repeated."""

import itertools
from typing import Any, Final

import httpx
import pytest

from server.app import HttpServer
from tests.server.reading import send

ODD: Final[dict[str, str]] = {
    "nothing": "",
    "a blank": " ",
    "a NUL": "\0",
    "a line": "a\r\nX-Forged: yes",
    "an escape": "\x1b[31m",
    "an emoji": "\N{PILE OF POO}" * 50,
    "right to left": "\u202efdsa",
    "SQL": "' or 1=1; drop table runs; --",
    "wildcards": "%_\\" * 60,
    "markup": "<script>alert(1)</script>",
    "a template": "{0} %s ${x} {{x}}",
    "a path": "../../etc/passwd",
    "a negative number": "-1",
    "a fraction": "1.5",
    "no number": "nan",
    "infinity": "inf",
    "a large number": "9" * 40,
    "an exponent": "1e308",
    "wide digits": "\uff15",
    "a very early time": "-9999999999999",
    "a time past all": "+292278994-08-17T07:12:55Z",
    "a leap second": "2026-06-30T23:59:60Z",
    "a day": "2026-11-27",
    "a list": "[1,2]",
    "an object": '{"a": 1}',
    "null": "null",
    "very long": "a" * 8_000,
}
REPEATED: Final = {"a line", "SQL", "markup", "a template", "a path", "an object", "very long"}


@pytest.fixture
def parameters(http_server: HttpServer) -> list[tuple[str, str]]:
    """Give every parameter of every question that the API answers without an id in its address."""
    paths: dict[str, dict[str, Any]] = http_server.api.openapi()["paths"]
    return [
        (path, parameter["name"])
        for path, methods in paths.items()
        if "get" in methods and "{" not in path
        for parameter in methods["get"].get("parameters", [])
        if parameter["in"] == "query"
    ]


@pytest.mark.figure
async def test_no_parameter_breaks_anything(client: httpx.AsyncClient, parameters: list[tuple[str, str]]) -> None:
    """Any text as any parameter is taken or refused with a code; none is repeated, and none is a fault of ours."""
    await send(client)
    told: list[object] = []
    for (path, name), (kind, text) in itertools.product(parameters, ODD.items()):
        answer = await client.get(path, params={name: text})
        if answer.status_code not in {200, 400, 404, 422} or (kind in REPEATED and text in answer.text):
            told.append((path, name, kind, answer.status_code))
        if answer.status_code != 200:
            assert set(answer.json()) == {"error", "code"}
    assert told == []
    assert len(parameters) >= 25
    print(f"texts as parameters: {len(parameters) * len(ODD)}, faults 0, repeated 0")
    assert (await client.get("/api/agent/runs")).status_code == 200


async def test_a_parameter_may_come_twice(client: httpx.AsyncClient, parameters: list[tuple[str, str]]) -> None:
    """One that is there several times is read in one way or refused, never a fault."""
    for path, name in parameters:
        answer = await client.get(path, params=[(name, "1"), (name, "2")])
        assert answer.status_code in {200, 400, 404, 422}, (path, name)
