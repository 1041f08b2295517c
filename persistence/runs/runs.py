"""The `runs` table: one row for each message that was accepted.

`attempt` is the fence: `claim` raises it, and every later write of a worker
passes it (`Database.acting`). `last_seq` is the number of the run's last event, kept
on the row once the run has ended; until then it is the log's. `crashes`
counts the claims that found it left behind in the middle.

    queued ▶ running ─┬─▶ done | error | cancelled
       ▲ put_down ────┤
       └── resume ◀ waiting (for a person's decision)
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from persistence.pipelined import Sent
from persistence.queue import SHARED
from persistence.runs import charges
from persistence.scope import Scope

GRAPH_VERSION: Final = "1"  # raised when a running graph of the release before could not go on


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    ERROR = "error"
    CANCELLED = "cancelled"


class WantedRoute(StrEnum):
    """How the person wants it handled."""

    AUTO = "auto"  # as the planner decides
    PLAN = "plan"  # with a plan, however small it is
    ANSWER = "answer"  # at once, without tools


class Writes(StrEnum):
    """What becomes of a run's writes."""

    LIVE = "live"
    DRY = "dry"  # tried out and rolled back
    RECORDED = "recorded"  # told as another run made them, and not made


FINISHED: Final = frozenset({RunStatus.DONE, RunStatus.ERROR, RunStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Rerun:
    """How a run goes by the record of another, `replay_of`.

    A replay takes everything from there. A fork asks `asked_model`, or whom every
    run asks: from a step on, or from the beginning when there is no `from_step`.
    `step_words` are what that step is to do, in place of what is recorded.
    """

    replay_of: UUID
    writes: Writes
    from_step: int | None = None
    asked_model: str | None = None
    step_words: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as its row stands."""

    id: UUID
    session_id: UUID
    request: str
    route: str
    status: str
    strategy: str | None
    attempt: int
    crashes: int
    last_seq: int
    request_digest: str
    cancel_requested_at: datetime | None
    budget_spent_at: datetime | None
    prompt_tokens: int
    completion_tokens: int
    finished_reason: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    events_expired_at: datetime | None
    replay_of: UUID | None
    from_step: int | None
    asked_model: str | None
    writes: str
    step_words: str | None = None

    @property
    def finished(self) -> bool:
        """Say whether the run reached its end."""
        return self.finished_at is not None


LAST_SEQ: Final = "case when finished_at is null then coalesce(newest_event(id), 0) else last_seq end"
COLUMNS: Final = f"""
    id, session_id, request, route, status, strategy, attempt, crashes, {LAST_SEQ} as last_seq, request_digest,
    cancel_requested_at, budget_spent_at, prompt_tokens, completion_tokens, finished_reason, error_code, created_at,
    started_at, finished_at, events_expired_at, replay_of, from_step, asked_model, writes, step_words
"""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run before it is stored: over which request, for the workers of which queue."""

    session_id: UUID
    request: str
    digest: str
    idempotency_key: str | None = None
    queue: str = SHARED
    route: WantedRoute = WantedRoute.AUTO
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Inserted:
    """A run on its way into the table."""

    sent: Sent

    @property
    def run(self) -> Run | None:
        """Return it, or None when a run with its idempotency key was there; once the statement has its outcome."""
        return next(iter(self.sent.rows(Run)), None)


def insert(scope: Scope, new: NewRun) -> Inserted:
    """Store a run, unless a run with its idempotency key is there already.

    Nobody works on it before its session's turn is given out: `hand_on`.
    """
    sent = scope.send(
        f"""
        insert into runs (id, session_id, request, request_digest, idempotency_key, graph_version, queue, route)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (user_id, idempotency_key) do nothing
        returning {COLUMNS}
        """,
        (new.id, new.session_id, new.request, new.digest, new.idempotency_key, GRAPH_VERSION, new.queue, new.route),
    )
    return Inserted(sent)


async def insert_rerun(scope: Scope, session_id: UUID, request: str, rerun: Rerun, queue: str = SHARED) -> Run | None:
    """Store a run that goes by the record of another, for the workers of a queue; None when that one is not there.

    It is handled as that one was to be, and told what that was told.
    Nobody works on it before its session's turn is given out: `hand_on`.
    """
    return await scope.one(
        Run,
        f"""
        insert into runs (session_id, request, request_digest, graph_version, queue, route, quoted_history, replay_of,
            from_step, asked_model, writes, step_words)
        select %(session)s, %(request)s, '', %(graph)s, %(queue)s, route, quoted_history, id,
            %(step)s, %(model)s, %(writes)s, %(words)s
        from runs where id = %(original)s
        returning {COLUMNS}
        """,
        {
            "session": session_id,
            "request": request,
            "graph": GRAPH_VERSION,
            "queue": queue,
            "original": rerun.replay_of,
            "step": rerun.from_step,
            "model": rerun.asked_model,
            "writes": rerun.writes,
            "words": rerun.step_words,
        },
    )


async def find(scope: Scope, run_id: UUID) -> Run | None:
    """Return one run, or None when there is none or it is someone else's."""
    return await scope.one(
        Run,
        f"""
        select {COLUMNS}
        from runs where id = %s
        """,
        (run_id,),
    )


async def find_by_key(scope: Scope, idempotency_key: str) -> Run | None:
    """Return the run that was accepted under that idempotency key."""
    return await scope.one(
        Run,
        f"""
        select {COLUMNS}
        from runs where idempotency_key = %s
        """,
        (idempotency_key,),
    )


async def newest(scope: Scope, limit: int) -> list[Run]:
    """Return the newest runs, newest first."""
    return await scope.all(
        Run,
        f"""
        select {COLUMNS}
        from runs order by created_at desc, id limit %s
        """,
        (limit,),
    )


def hand_on(scope: Scope, session_id: UUID) -> None:
    """Give the next run of a session to the workers, once its turn has come; harmless when it has not.

    Called in every transaction that adds a run, ends one or lets one go on. The
    session's row is held, so that two of them cannot overlook each other's run.
    """
    scope.send(
        """
        with held as materialized (select id from chat_sessions where id = %s for no key update)
        select planwright_queue.hand_on(id) from held
        """,
        (session_id,),
    )


def hand_on_next(scope: Scope) -> None:
    """Give a run of the person that found no place to the workers, since one has become free."""
    scope.send("select planwright_queue.hand_on_next()")


async def bring(scope: Scope, run_id: UUID, queue: str) -> None:
    """Have a run that waits in one queue worked on through another."""
    await scope.execute("update runs set queue = %s where id = %s", (queue, run_id))
    await scope.execute("select planwright_queue.bring(%s, %s)", (run_id, queue))


_HOLD: Final = "select true from runs where id = %s for no key update"


async def hold(scope: Scope, run_id: UUID) -> bool:
    """Let nobody else move a run until this transaction ends; False when there is none."""
    return bool(await scope.value(bool, _HOLD, (run_id,)))


async def claim(scope: Scope, run_id: UUID, attempt: int, job_id: int, at_once: int | None = None) -> Run | None:
    """Take a run for the attempt after `attempt`; None when that was taken, it is not its turn or it has ended.

    Nor is one begun beside `at_once` others of the same person and queue: `hand_on_next` gives it to the workers
    again. Taking it raises `attempt`, so an earlier holder that wakes up cannot write any
    more, and a second job for the same attempt finds nothing to do. Whoever moves
    the run just now is waited for: by the old state a worker would let it lie.
    """
    scope.send(_HOLD, (run_id,))
    if at_once is not None:
        charges.hold(scope)
    return await scope.one(
        Run,
        f"""
        update runs set
            status = 'running',
            attempt = attempt + 1,
            crashes = crashes + (status = 'running')::integer,
            job_id = %(job)s,
            started_at = coalesce(started_at, clock_timestamp())
        where id = %(run)s and attempt = %(attempt)s and status in ('queued', 'running')
            and not exists (
                select from runs earlier
                where earlier.session_id = runs.session_id and earlier.finished_at is null and earlier.id <> runs.id
                    and (earlier.status <> 'queued'
                        or (earlier.created_at, earlier.id) < (runs.created_at, runs.id)))
            and (status = 'running' or cancel_requested_at is not null or %(at_once)s::integer is null
                or %(at_once)s > (
                    select count(*) from runs other
                    where other.user_id = runs.user_id and other.finished_at is null and other.status = 'running'
                        and other.queue = runs.queue))
        returning {COLUMNS}
        """,
        {"run": run_id, "attempt": attempt, "job": job_id, "at_once": at_once},
    )


async def put_down(scope: Scope, run_id: UUID, queue: str) -> None:
    """Leave a run to the workers of a queue, as the one who holds it; it counts as no crash."""
    session_id = await scope.value(
        UUID, "update runs set status = 'queued', queue = %s where id = %s returning session_id", (queue, run_id)
    )
    if session_id is not None:
        hand_on(scope, session_id)


def set_strategy(scope: Scope, run_id: UUID, strategy: str) -> None:
    """Keep how the request is handled."""
    scope.send("update runs set strategy = %s where id = %s", (strategy, run_id))


def finish(
    scope: Scope, run_id: UUID, status: RunStatus, *, reason: str | None = None, error_code: str | None = None
) -> None:
    """End a run, add its usage up from its model calls, and give the session's next run to the workers."""
    scope.send(
        f"""
        with ended as (
            update runs set
                status = %(status)s,
                finished_reason = %(reason)s,
                error_code = %(error_code)s,
                finished_at = clock_timestamp(),
                last_seq = {LAST_SEQ},
                prompt_tokens = spent.prompt,
                completion_tokens = spent.completion
            from (
                select coalesce(sum(prompt_tokens), 0) as prompt, coalesce(sum(completion_tokens), 0) as completion
                from model_usage where run_id = %(run)s
            ) as spent
            where id = %(run)s
            returning session_id
        )
        select id from chat_sessions where id = (select session_id from ended) for no key update
        """,
        {"run": run_id, "status": status, "reason": reason, "error_code": error_code},
    )
    scope.send("select planwright_queue.hand_on(session_id) from runs where id = %s", (run_id,))
    hand_on_next(scope)


async def request_cancel(scope: Scope, run_id: UUID) -> bool:
    """Ask for a run to be stopped; False when it has ended already.

    From the commit on, no call of it can start. Its worker is told; one that waits
    for a person is given to a worker, which ends it.
    """
    session_id = await scope.value(
        UUID,
        """
        update runs set
            cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
            status = case status when 'waiting' then 'queued' else status end
        where id = %s and finished_at is null
        returning session_id
        """,
        (run_id,),
    )
    if session_id is None:
        return False
    hand_on(scope, session_id)
    await scope.execute("select planwright_queue.abort(%s)", (run_id,))
    return True


async def first_of(scope: Scope, run_id: UUID) -> UUID:
    """Return the run that another goes back to, by way of any number of others; itself when it goes by no record."""
    first = await scope.value(
        UUID,
        """
        with recursive way as (
            select id, replay_of from runs where id = %s
            union all select r.id, r.replay_of from runs r join way on r.id = way.replay_of)
        select id from way where replay_of is null
        """,
        (run_id,),
    )
    assert first is not None, "a run is made after the one whose record it goes by"
    return first


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """How many runs of a session have not ended: behind them stands the next one."""

    sent: Sent

    @property
    def number(self) -> int:
        """Return how many; once the statement has its outcome."""
        return int(str(self.sent.first_column()))


def look_for_place(scope: Scope, session_id: UUID) -> QueuePlace:
    """See where a run that is stored now stands in its session."""
    return QueuePlace(
        scope.send("select count(*) from runs where session_id = %s and finished_at is null", (session_id,))
    )


async def queue_place(scope: Scope, run_id: UUID) -> int:
    """Return how many unfinished runs of the session stand before this one."""
    place = await scope.value(
        int,
        """
        select count(*) from runs mine join runs earlier
            on earlier.session_id = mine.session_id and earlier.finished_at is null
            and (earlier.created_at, earlier.id) < (mine.created_at, mine.id)
        where mine.id = %s
        """,
        (run_id,),
    )
    return place or 0


async def accepted_since(scope: Scope, moment: datetime) -> int:
    """Return how many runs were accepted at a moment or later."""
    return await scope.value(int, "select count(*) from runs where created_at >= %s", (moment,)) or 0


async def at_work(scope: Scope) -> int:
    """Return how many runs of the person are at work now."""
    query = "select count(*) from runs where finished_at is null and status = 'running'"
    return await scope.value(int, query) or 0
