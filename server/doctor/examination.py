"""What can be found out about an installation from inside: of its database, its keys, its model and this process."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from persistence.checkup import examine
from persistence.errors import PersistenceError
from server.doctor.checks import Finding, Verdict, database_findings
from server.doctor.doctor import of_process
from server.doctor.model_check import model_finding
from server.doctor.sign_in_check import sign_in_finding
from server.settings import Settings
from server.wiring import installation_secret


def of_database(settings: Settings, dsn: str) -> list[Finding]:
    """Return what the database says of itself to its administrator.

    Raises:
        PersistenceError: it does not answer.
    """
    facts = examine(dsn, installation_secret(settings))
    reached = Finding(Verdict.OK, "database", f"{place_of(settings)} answers")
    return [reached, *database_findings(facts, datetime.now(UTC))]


async def of_installation(settings: Settings, dsn: str) -> Sequence[Finding]:
    """Return everything there is to say of a running installation."""
    try:
        found = await asyncio.to_thread(of_database, settings, dsn)
    except PersistenceError as error:
        found = [Finding(Verdict.FAILED, "database", f"{place_of(settings)}: {error}", "See whether it runs.")]
    return [*found, await sign_in_finding(settings), await model_finding(settings.models), *await of_process()]


def place_of(settings: Settings) -> str:
    """Return which database it is, in words."""
    return "the embedded PostgreSQL" if settings.database_url is None else "PLANWRIGHT_DATABASE_URL"
