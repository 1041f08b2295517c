"""A person who is asked: sessions in which writes wait, and decisions on them."""

from typing import Literal
from uuid import UUID

from pydantic import JsonValue

from persistence.record import sessions
from persistence.scope import Role
from server.bodies import Decision
from server.deciding import decide
from tests.turns import Desk, Payload, Turn

QUEUE = "nobody's"


async def asks_first(at: Desk) -> None:
    """Open a session at a desk in which every write waits for its person."""
    async with at.database.acting(Role.API, at.person.identity) as scope:
        at.session_id = sessions.insert(scope, "Ask first", "global", None, "ask")


def approval_of(turn: Turn) -> Payload:
    """Return what a run waits for: the last event says so."""
    assert turn.run.status == "waiting", turn.run
    assert (turn.types[-1], turn.events[-1]["finished_reason"]) == ("done", "approval_required")
    approval: Payload = turn.events[-1]["approval"]
    return approval


async def say(
    at: Desk,
    turn: Turn,
    decision: Literal["approve", "deny"] = "approve",
    *,
    calls: dict[str, JsonValue] | None = None,
    note: str | None = None,
) -> None:
    """Decide on what a run waits for, as the API does."""
    body: JsonValue = {"digest": approval_of(turn)["digest"], "decision": decision, "calls": calls or {}, "note": note}
    await decide(at.database, at.engine.registry, at.person.id, turn.run.id, Decision.model_validate(body), QUEUE)


async def go_on(
    at: Desk,
    turn: Turn,
    decision: Literal["approve", "deny"] = "approve",
    *,
    calls: dict[str, JsonValue] | None = None,
    note: str | None = None,
) -> Turn:
    """Decide, and work on the run until it ends or waits again."""
    await say(at, turn, decision, calls=calls, note=note)
    return await at.finish(turn.run.id)


async def titles(at: Desk) -> list[str]:
    """Return the titles of the person's tasks."""
    return [str(row["title"]) for row in await at.rows("select title from tasks order by title")]


async def states(at: Desk, run_id: UUID) -> list[str]:
    """Return where a run's calls stand, in the order they were made."""
    rows = await at.rows("select state from tool_calls where run_id = %s order by created_at", run_id)
    return [str(row["state"]) for row in rows]
