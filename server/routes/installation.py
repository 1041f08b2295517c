"""`/api/agent/settings`: what the person works with: models, limits with today's use, tools, the version."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter

import server
from persistence.record import users
from persistence.scope import Identity, Role
from server.auth import SignedIn
from server.dependencies import TheServer
from server.refusals import Refused
from server.todays_use import LimitUse, Today, limits_in_use, today
from tools.registry import Registry
from tools.tool import Access

if TYPE_CHECKING:
    from graph.turn import Engine

router: Final = APIRouter(prefix="/api/agent/settings", tags=["settings"])


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is asked, the preferred one of its profile first; `provider` is the host that it is asked at."""

    profile: Literal["planner", "executor"]
    name: str
    provider: str
    offline: bool


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool and who may call it: executors only what reads."""

    name: str
    access: Access
    description: str


@dataclass(frozen=True, slots=True)
class SettingsView:
    """What the person works with. Nothing of it can be changed here."""

    models: list[Model]
    limits: list[LimitUse]
    today: Today
    tools: list[ToolFacts]
    version: str


@router.get("")
async def settings(planwright: TheServer, user_id: SignedIn) -> SettingsView:
    """Return models, limits with what is used of them, today's use, tools, and the version."""
    engine = planwright.engine
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        person = await users.me(scope)
        if person is None:
            raise Refused("not_found")
        limits = await limits_in_use(scope, engine.limits)
        used = await today(scope, datetime.now(UTC), ZoneInfo(person.time_zone))
    return SettingsView([*_models(engine)], limits, used, [*_tools(engine.registry)], server.__version__)


def _models(engine: "Engine") -> Iterator[Model]:
    yield from (Model("planner", facts.name, facts.provider, facts.offline) for facts in engine.planner_facts)
    yield from (Model("executor", facts.name, facts.provider, facts.offline) for facts in engine.executor_facts)


def _tools(registry: Registry) -> Iterator[ToolFacts]:
    return (ToolFacts(tool.name, tool.access, tool.description) for tool in registry.tools.values())
