"""`/api/agent/doctor`: the check-up of this server, for whoever may administer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from server.auth import requires
from server.dependencies import TheServer
from server.doctor.checks import Finding, Verdict
from server.scopes import Scope

router: Final = APIRouter(prefix="/api/agent/doctor", tags=["health"])


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one check. One that is fine may have a next step too: what it says is then worth a look."""

    name: str
    ok: bool
    says: str
    next_step: str | None


@dataclass(frozen=True, slots=True)
class CheckUp:
    """The checks, in their order."""

    checks: list[Check]


@router.get("")
async def check_up(planwright: TheServer, _: Annotated[UUID, Depends(requires(Scope.ADMIN))]) -> CheckUp:
    """Return a check-up that is at most half a minute old: database, roles, keys, model, clock, versions."""
    fault = await planwright.fault()
    itself = Check("server", fault is None, fault or "takes messages", None)
    return CheckUp([itself, *_checks(await planwright.doctor.findings())])


def _checks(findings: Sequence[Finding]) -> list[Check]:
    return [Check(one.subject, one.verdict is not Verdict.FAILED, one.text, one.next_step or None) for one in findings]
