"""Runs made from the record of others, and what two runs have in common."""

import json
import re
from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from server.bodies import Fork
from server.rerunning import fork, replay
from tests.turns import Desk, Payload, Turn

QUEUE: Final = "nobody's"
TIMES: Final = frozenset({"durationMs", "createdAt"})
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def replayed(at: Desk, run_id: UUID) -> Turn:
    """Let a run happen again, to its end."""
    return await at.finish((await replay(at.engine, at.person.id, run_id, QUEUE)).id)


async def forked(at: Desk, run_id: UUID, **wanted: JsonValue) -> Turn:
    """Let a run go another way, to its end."""
    said = Fork.model_validate(wanted)
    return await at.finish((await fork(at.engine, at.person.id, run_id, said, QUEUE)).id)


def story(turn: Turn, *, without: Collection[str] = ()) -> dict[str, list[JsonValue]]:
    """Return a turn's events in order, without ids, times and other fields, by what they are about.

    Of steps and of calls that are made side by side no order is sure, so each step
    and each call has a story of its own. The event of the session is left out, and
    texts are put together: how they are cut is a matter of time.
    """
    told: dict[str, list[JsonValue]] = {}
    calls = {call["tool_call"]["id"]: json.dumps(call["tool_call"]["function"]) for call in turn.all("tool_call")}
    for event in _with_texts_joined(turn.events):
        step = event.get("stepNumber") or event.get("step", {}).get("stepNumber") or ""
        call = event.get("tool_call", {}).get("id") or event.get("tool_result", {}).get("tool_call_id")
        told.setdefault(f"{step} {calls.get(call, '')}", []).append(_timeless(event, TIMES.union(without)))
    for about in {*told} & {f"{step} {call}" for step in _steps(told) for call in calls.values()}:
        told[about].sort(key=json.dumps)  # the same call, twice at once
    return told


def _steps(told: Mapping[str, object]) -> set[str]:
    return {about.partition(" ")[0] for about in told}


def _with_texts_joined(events: list[Payload]) -> list[Payload]:
    joined: list[Payload] = []
    for is_text, together in groupby(events, key=lambda event: event["type"] == "text"):
        group = list(together)
        joined += [{"type": "text", "content": "".join(event["content"] for event in group)}] if is_text else group
    return [event for event in joined if event["type"] != "session"]


def _timeless(value: JsonValue, without: frozenset[str]) -> JsonValue:
    match value:
        case dict():
            return {name: _timeless(inner, without) for name, inner in value.items() if name not in without}
        case list():
            return [_timeless(inner, without) for inner in value]
        case str():
            return _ID.sub("ID", value)
        case _:
            return value
