"""`/api/agent/examples`: what to ask, to begin with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from persistence.record import users
from persistence.scope import Identity, Role
from persistence.workspace import glimpse
from server.auth import SignedIn
from server.dependencies import TheServer
from server.examples import examples_for, today_and_ahead
from server.refusals import Refused

router: Final = APIRouter(prefix="/api/agent/examples", tags=["workspace"])


@dataclass(frozen=True, slots=True)
class Examples:
    """Questions that the person's own data can answer."""

    examples: list[str]


@router.get("")
async def examples(planwright: TheServer, user_id: SignedIn) -> Examples:
    """Return three questions about what the person has; in an empty workspace, how to put something into it."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        person = await users.me(scope)
        if person is None:
            raise Refused("not_found")
        seen = await glimpse.of(scope, *today_and_ahead(datetime.now(UTC), ZoneInfo(person.time_zone)))
    return Examples(examples_for(seen))
