"""The `run_events` table: the log that every stream, reload and trace is read from.

An event has a key beside its number, so that a step which runs again after a
crash announces nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from persistence.arrays import text_array
from persistence.pipelined import Sent
from persistence.runs.runs import FINISHED, LAST_SEQ, RunStatus
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class KeyedEvent:
    """An event before it has its number. The payload is the exact text that streams."""

    key: str
    type: str
    payload: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event in its place."""

    seq: int
    type: str
    payload: str


@dataclass(frozen=True, slots=True)
class _Placed:
    seq: int | None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event in its place, and when it was written down."""

    seq: int
    payload: str
    created_at: datetime


def open_log(scope: Scope, run_id: UUID, event: KeyedEvent) -> LoggedEvent:
    """Write the first event of a run that was just queued, as the API; return it in its place."""
    first = LoggedEvent(1, event.type, event.payload)
    scope.send(
        "insert into run_events (run_id, seq, key, type, payload) values (%s, %s, %s, %s, %s)",
        (run_id, first.seq, event.key, event.type, event.payload),
    )
    return first


@dataclass(frozen=True, slots=True)
class Appended:
    """Events on their way into a log."""

    sent: Sent
    events: Sequence[KeyedEvent]

    @property
    def logged(self) -> list[LoggedEvent]:
        """Return those that were new, in their places; once the statement has its outcome."""
        return [
            LoggedEvent(place.seq, event.type, event.payload)
            for place, event in zip(self.sent.rows(_Placed), self.events, strict=False)  # of a call: all or none
            if place.seq is not None
        ]


_APPEND: Final = "select unnest(append_events(%(keys)s, %(types)s, %(payloads)s)) as seq"
IF_CALLED: Final = "where exists (select from tool_calls where id = %(call)s)"


def append(scope: Scope, events: Sequence[KeyedEvent], call_id: UUID | None = None) -> Appended:
    """Append to the log of the run that the scope's identity names; known keys are passed over.

    Events of a call are, too, when the ledger does not have that.

    `Fenced` is raised by the statement when another attempt holds the run.
    """
    query = _APPEND if call_id is None else f"{_APPEND} {IF_CALLED}"
    return Appended(scope.send(query, {**columns(events), "call": call_id}), events)


def columns(events: Sequence[KeyedEvent]) -> Mapping[str, str]:
    """Return events as the parameters `keys`, `types` and `payloads`: arrays."""
    return {
        "keys": text_array([event.key for event in events]),
        "types": text_array([event.type for event in events]),
        "payloads": text_array([event.payload for event in events]),
    }


async def after(scope: Scope, run_id: UUID, seq: int, limit: int) -> list[LoggedEvent]:
    """Return the events behind `seq`, in order, at most `limit`."""
    return await scope.all(
        LoggedEvent,
        "select seq, type, payload from run_events where run_id = %s and seq > %s order by seq limit %s",
        (run_id, seq, limit),
    )


async def recorded(scope: Scope, run_id: UUID) -> list[RecordedEvent]:
    """Return the whole log of a run with its times, in order."""
    return await scope.all(
        RecordedEvent, "select seq, payload, created_at from run_events where run_id = %s order by seq", (run_id,)
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a log behind a place, seen together with where its run stands."""

    found: list[LoggedEvent]
    last_seq: int
    resting: bool
    expired: bool


@dataclass(frozen=True, slots=True)
class _Line:
    last_seq: int
    status: str
    expired: bool
    seq: int | None
    type: str | None
    payload: str | None


async def read_behind(scope: Scope, run_id: UUID, seq: int, limit: int) -> Reading | None:
    """Return the events behind `seq`, in order, at most `limit`; None when there is no such run.

    The log is `resting` when its run has ended or waits for a person: until
    somebody decides, nothing comes. It is `expired` when its events were removed.
    """
    lines = await scope.all(
        _Line,
        f"""
        select {LAST_SEQ} as last_seq, status, events_expired_at is not null as expired, e.seq, e.type, e.payload
        from runs left join lateral (
            select seq, type, payload from run_events
            where run_id = runs.id and seq > %(seq)s order by seq limit %(limit)s) as e on true
        where id = %(run)s order by e.seq
        """,
        {"run": run_id, "seq": seq, "limit": limit},
    )
    if not lines:
        return None
    return Reading(
        [LoggedEvent(line.seq, line.type, line.payload) for line in lines if line.seq and line.type and line.payload],
        lines[0].last_seq,
        lines[0].status == RunStatus.WAITING or lines[0].status in FINISHED,
        lines[0].expired,
    )


@dataclass(frozen=True, slots=True)
class Streamed:
    """Whether anything of a run's answer was streamed, and whether of the part that is asked about."""

    anything: bool
    the_part: bool


async def streamed(scope: Scope, run_id: UUID, part: str) -> Streamed:
    """Return what was streamed of a run's answer; the keys of a part begin with its name."""
    return await scope.only(
        Streamed,
        """
        select count(*) > 0 as anything, coalesce(bool_or(starts_with(key, %s)), false) as the_part
        from run_events where run_id = %s and type = 'text'
        """,
        (part, run_id),
    )


async def texts(scope: Scope, run_id: UUID) -> str:
    """Return the answer as it was streamed: every `text` event of a run, joined."""
    joined = await scope.value(
        str,
        """
        select string_agg(payload::json ->> 'content', '' order by seq) from run_events
        where run_id = %s and type = 'text'
        """,
        (run_id,),
    )
    return joined or ""
