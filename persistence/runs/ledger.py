"""The `tool_calls` table: the ledger of every call, frozen before it acts.

What an executor only reads in our own database may act first: such a call is written down with what it came to.

A local write commits in the transaction of its own row here, so it takes effect
exactly when the row says `applied`. A row left at `intent` by a crash is safe to
run again when its effect is local, and unknown when it is not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from persistence.errors import CancelRequested
from persistence.pipelined import Sent
from persistence.scope import Scope


class CallState(StrEnum):
    """Where a call stands."""

    INTENT = "intent"
    APPLIED = "applied"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"
    DRY = "dry"  # tried out and rolled back: nothing was changed


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One call. `arguments` is the raw text, `result` the JSON text the model read."""

    id: UUID
    key: str
    agent_id: UUID
    step_number: int | None
    tool: str
    access: str
    arguments: str
    state: str
    result: str | None
    error_code: str | None
    duration_ms: int | None
    created_at: datetime
    started_at: datetime | None = None  # of a call whose effect is not in our database


_COLUMNS: Final = """
    id, key, agent_id, step_number, tool, access, arguments, state, result, error_code, duration_ms, created_at,
    started_at
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A call before it acts. The id is derived from run and key, so a replay finds its own row."""

    id: UUID
    key: str
    agent_id: UUID
    step_number: int | None
    tool: str
    access: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a call stands that was just written down, or stood there, and how many its run has made with it."""

    row: LedgerRow
    calls_so_far: int


def begun(entry: Entry) -> LedgerRow:
    """Return how a call stands that nobody has made before."""
    return LedgerRow(
        id=entry.id,
        key=entry.key,
        agent_id=entry.agent_id,
        step_number=entry.step_number,
        tool=entry.tool,
        access=entry.access,
        arguments=entry.arguments,
        state=CallState.INTENT,
        result=None,
        error_code=None,
        duration_ms=None,
        created_at=datetime.now(UTC),
    )


class Frozen:
    """A call on its way into the ledger."""

    def __init__(self, found: Sent) -> None:
        self._found: Final = found

    @property
    def standing(self) -> Standing:
        """Return how it stands; once the statements have their outcome.

        Raises:
            CancelRequested: it has no outcome yet, and its run is to be stopped.
        """
        for row in self._found.rows(dict[str, Any]):
            return Standing(calls_so_far=row.pop("calls_so_far"), row=LedgerRow(**row))
        raise CancelRequested


@dataclass(frozen=True, slots=True)
class CameTo:
    """What a call came to; `result` is the JSON text that the model reads."""

    state: CallState
    result: str
    error_code: str | None
    duration_ms: int


def write_down(scope: Scope, run_id: UUID, entry: Entry, came_to: CameTo | None = None) -> None:
    """Write a call down that nobody has made before, with what it came to by now; not when its run is to be stopped."""
    scope.send(
        """
        insert into tool_calls (id, run_id, key, agent_id, step_number, tool, access, arguments, state, result,
            error_code, duration_ms, finished_at)
        select %(id)s, id, %(key)s, %(agent)s, %(step)s, %(tool)s, %(access)s, %(arguments)s, %(state)s, %(result)s,
            %(error_code)s, %(duration_ms)s, case when %(state)s <> 'intent' then clock_timestamp() end
        from runs where id = %(run)s and cancel_requested_at is null
        """,
        {
            "id": entry.id,
            "run": run_id,
            "key": entry.key,
            "agent": entry.agent_id,
            "step": entry.step_number,
            "tool": entry.tool,
            "access": entry.access,
            "arguments": entry.arguments,
            "state": CallState.INTENT if came_to is None else came_to.state,
            "result": None if came_to is None else came_to.result,
            "error_code": None if came_to is None else came_to.error_code,
            "duration_ms": None if came_to is None else came_to.duration_ms,
        },
    )


def freeze(scope: Scope, run_id: UUID, entry: Entry) -> Frozen:
    """Write a call down before it acts, unless it stands there already or its run is to be stopped."""
    scope.send(
        """
        insert into tool_calls (id, run_id, key, agent_id, step_number, tool, access, arguments, state)
        select %s, id, %s, %s, %s, %s, %s, %s, 'intent' from runs where id = %s and cancel_requested_at is null
        on conflict (run_id, key) do nothing
        """,
        (entry.id, entry.key, entry.agent_id, entry.step_number, entry.tool, entry.access, entry.arguments, run_id),
    )
    found = scope.send(
        f"""
        select {_COLUMNS}, (select count(*) from tool_calls where run_id = %(run)s) as calls_so_far
        from tool_calls where id = %(id)s and (
            state <> 'intent' or exists (select from runs where id = %(run)s and cancel_requested_at is null))
        """,
        {"run": run_id, "id": entry.id},
    )
    return Frozen(found)


async def may_act(scope: Scope, call_id: UUID) -> None:
    """Hold that a call which has no outcome yet may act. One that has is only read again.

    A cancel waits for the run's row, which the fence of this transaction holds.

    Raises:
        CancelRequested: the run is to be stopped.
    """
    stopped = await scope.value(
        bool,
        """
        select true from tool_calls join runs on runs.id = tool_calls.run_id
        where tool_calls.id = %s and tool_calls.state = 'intent' and runs.cancel_requested_at is not null
        """,
        (call_id,),
    )
    if stopped:
        raise CancelRequested


async def begin(scope: Scope, call_id: UUID) -> bool:
    """Write down that a call begins whose effect is not in our database; False when it began before."""
    return bool(
        await scope.execute(
            "update tool_calls set started_at = clock_timestamp() where id = %s and started_at is null", (call_id,)
        )
    )


async def put_arguments(scope: Scope, call_id: UUID, arguments: str) -> None:
    """Keep the arguments that a person gave a call before it ran, in place of the model's."""
    await scope.execute("update tool_calls set arguments = %s where id = %s and state = 'intent'", (arguments, call_id))


def settle(scope: Scope, call_id: UUID, came_to: CameTo) -> None:
    """Write down what a call came to; what is written down already stays."""
    scope.send(
        """
        update tool_calls
        set state = %s, result = %s, error_code = %s, duration_ms = %s, finished_at = clock_timestamp()
        where id = %s and state = 'intent'
        """,
        (came_to.state, came_to.result, came_to.error_code, came_to.duration_ms, call_id),
    )


async def find(scope: Scope, call_id: UUID) -> LedgerRow | None:
    """Return one call."""
    return await scope.one(
        LedgerRow,
        f"select {_COLUMNS} from tool_calls where id = %s",
        (call_id,),
    )


async def of_run(scope: Scope, run_id: UUID) -> list[LedgerRow]:
    """Return every call of a run, oldest first."""
    return await scope.all(
        LedgerRow,
        f"select {_COLUMNS} from tool_calls where run_id = %s order by created_at, id",
        (run_id,),
    )


async def open_of_run(scope: Scope, run_id: UUID) -> list[LedgerRow]:
    """Return the calls of a run that have no outcome, oldest first."""
    return await scope.all(
        LedgerRow,
        f"select {_COLUMNS} from tool_calls where run_id = %s and state = 'intent' order by created_at, id",
        (run_id,),
    )


async def count_applied(scope: Scope, run_id: UUID, tool: str) -> int:
    """Return how many calls of a tool took effect in a run."""
    query = "select count(*) from tool_calls where run_id = %s and tool = %s and state = 'applied'"
    return await scope.value(int, query, (run_id, tool)) or 0
