"""What a run left behind, held against what the same run leaves behind when nothing happens to it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from nodes.asking.answer_stream import AGAIN
from nodes.vocabulary.events import TERMINAL_TYPES
from tests.faults.site import Site

ROWS: Final = """
    select 'task' as kind, title as name from tasks where user_id = %(user)s
    union all select 'note', title from notes where user_id = %(user)s
    union all select 'brain dump', content from brain_dumps where user_id = %(user)s
"""
PAUSED: Final = "approval_required"
ONCE_PER_STEP: Final = frozenset({"step_start", "step_complete"})


@dataclass(frozen=True)
class Record:
    """Everything of a run that a person or another run could see."""

    status: str
    reason: str | None
    attempt: int
    events: list[tuple[int, dict[str, Any]]]
    said: list[str]
    rows: Counter[str]
    writes: Counter[str]
    reads: Counter[str]
    model_calls: int

    @property
    def types(self) -> list[str]:
        """Return the type of each event."""
        return [event["type"] for _, event in self.events]

    @property
    def text(self) -> str:
        """Return the answer as it was streamed."""
        return "".join(event["content"] for _, event in self.events if event["type"] == "text")

    @property
    def last_text(self) -> str:
        """Return the answer from where it last began."""
        return self.text.split(AGAIN)[-1]


async def record_of(site: Site, run_id: UUID, token: str) -> Record:
    """Read what a run left behind."""
    run = (await site.rows("select * from runs where id = %s", run_id))[0]
    events = await site.rows("select seq, payload from run_events where run_id = %s order by seq", run_id)
    said = await site.rows("select content from chat_messages where run_id = %s and role = 'assistant'", run_id)
    rows = await site.rows(ROWS.replace("%(user)s", "%s"), *[run["user_id"]] * 3)
    calls = await site.rows("select access, tool, arguments, state from tool_calls where run_id = %s", run_id)
    return Record(
        status=run["status"],
        reason=run["finished_reason"],
        attempt=run["attempt"],
        events=[(event["seq"], json.loads(event["payload"])) for event in events],
        said=[message["content"] for message in said],
        rows=Counter(f"{row['kind']} {row['name']}" for row in rows),
        writes=Counter(_call(call) for call in calls if call["access"] == "write"),
        reads=Counter(_call(call) for call in calls if call["access"] == "read" and call["state"] != "failed"),
        model_calls=site.script.calls[token],
    )


def _call(call: dict[str, Any]) -> str:
    return f"{call['tool']} {call['arguments']} {call['state']}"


def differences(reference: Record, found: Record, *, paid_twice_at_most: int, alone: bool = True) -> list[str]:
    """Return in words what a person or a bill could tell from an uncrashed run; interruptions may show in the text.

    `alone`: the person made no other run, so the workspace holds the rows of this one and no others.
    """
    differs = [*log_problems(found), *_of_the_answer(reference, found)]
    differs += _of_effects(reference, found, paid_twice_at_most)
    if alone and found.rows != reference.rows:
        differs.append(f"the workspace holds {dict(found.rows)}")
    return differs


def log_problems(found: Record) -> Iterator[str]:
    """Yield what no log may have, whatever its run came to."""
    numbers = [seq for seq, _ in found.events]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the log is numbered {numbers}"
    ends = [
        place
        for place, (_, event) in enumerate(found.events)
        if event["type"] in TERMINAL_TYPES and event.get("finished_reason") != PAUSED
    ]
    if ends != [len(numbers) - 1]:
        yield f"the log of {len(numbers)} events ends at {ends}"
    steps = Counter((event["type"], event["step"]["stepNumber"]) for _, event in found.events if "step" in event)
    told = [event["tool_call"]["id"] for _, event in found.events if event["type"] == "tool_call"]
    closed = [event["tool_result"]["tool_call_id"] for _, event in found.events if event["type"] == "tool_result"]
    if sorted(told) != sorted(closed):
        yield f"{len(told)} calls were told of and {len(closed)} results"
    if any(times > 1 for (kind, _), times in steps.items() if kind in ONCE_PER_STEP):
        yield f"steps were told of more than once: {steps}"


def _of_the_answer(reference: Record, found: Record) -> Iterator[str]:
    if (found.status, found.reason) != (reference.status, reference.reason):
        yield f"it ended as {found.status}/{found.reason}: {found.events[-1:]}"
    if found.last_text != reference.last_text:
        yield f"the answer is {found.last_text!r}"
    if any(not reference.last_text.startswith(part) for part in found.text.split(AGAIN)):
        yield f"what was said before the interruption is no part of the answer: {found.text!r}"
    if found.said != [found.text]:
        yield f"stored is {found.said}, streamed was {found.text!r}"
    if _outline(found) != _outline(reference):
        yield f"the events are {_outline(found)}, not {_outline(reference)}"


def _outline(record: Record) -> Counter[str]:
    """Return how often there is an event of each type that an interruption may not add to."""
    return Counter(kind for kind in record.types if kind != "text")


def _of_effects(reference: Record, found: Record, paid_twice_at_most: int) -> Iterator[str]:
    if found.writes != reference.writes:
        yield f"the ledger holds {dict(found.writes)}"
    if found.reads != reference.reads:
        yield f"what was read is {dict(found.reads)}"
    if not reference.model_calls <= found.model_calls <= reference.model_calls + paid_twice_at_most:
        yield f"{found.model_calls} model calls, {reference.model_calls} without a fault"


async def effects_without_ledger(site: Site, user_id: UUID) -> list[str]:
    """Return where a person's rows and the calls that are written down as applied differ in number."""
    pairs = {"create_task": "tasks", "create_note": "notes", "create_brain_dump": "brain_dumps"}
    differ: list[str] = []
    for tool, table in pairs.items():
        counted = await site.rows(
            f"select (select count(*) from {table} where user_id = %s) as there,"  # noqa: S608
            " (select count(*) from tool_calls where user_id = %s and tool = %s and state = 'applied') as applied",
            user_id,
            user_id,
            tool,
        )
        if counted[0]["there"] != counted[0]["applied"]:
            differ.append(f"{tool}: {counted[0]}")
    return differ
