"""Run one turn: the graph over one claimed run, to exactly one terminal event.

This is the one place that turns a foreseen failure into an event. What is not
foreseen travels to the worker, which logs it and ends the run by `end_failed`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import Any, Final, Never
from uuid import UUID
from zoneinfo import ZoneInfo

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langgraph.types import Command

from graph.build import build
from graph.ending import end_answered, end_failed
from graph.models import ModelFacts, facts_of
from graph.pausing import pause
from graph.replay.following import conduct_of, following
from graph.replay.record import Record, read_record
from nodes.asking.ask import is_free, name_of
from nodes.asking.estimate import size_of, tokens_of
from nodes.planning.rules import plan_schema
from nodes.vocabulary.context import Context
from nodes.vocabulary.counters import Counters, Uncounted
from nodes.vocabulary.early_tasks import EarlyTasks
from nodes.vocabulary.errors import TurnError, TurnTimedOut
from nodes.vocabulary.events import FinishedReason
from nodes.vocabulary.journal import ToolEvents
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.log import EventLog, Told
from nodes.vocabulary.memory import Memory
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.pause import awaited
from nodes.vocabulary.state import State, fresh
from nodes.vocabulary.tracing import tag
from persistence.attempts import Attempt
from persistence.checkpoints import OwedCheckpoints
from persistence.pools import Database
from persistence.record import messages, sessions, users
from persistence.record.messages import Message
from persistence.runs import quoted_history, runs, usage
from persistence.runs.runs import WantedRoute
from persistence.scope import Identity, Role
from tools.consent import Consent, Mode
from tools.gateway import Bounds, Gateway
from tools.registry import Registry
from tools.tool import Caller

APPROVAL_HOURS: Final = 24.0  # that a run waits for a person: until the same time tomorrow
Listeners = Callable[[str], list[BaseCallbackHandler]]
FIRST_ATTEMPT: Final = 1
GRAPH: Final = build()  # compiled once; each turn gets a copy with the checkpoints of its own attempt


def nobody(_: str) -> list[BaseCallbackHandler]:
    """Listen to nothing, whatever was asked."""
    return []


@dataclass(frozen=True, slots=True)
class Engine:
    """What every turn of an installation shares; built once, by `server/wiring.py`.

    `listeners` gives who is told of what a run over a request does, for traces: nobody, unless an operator wants it.
    """

    database: Database
    registry: Registry
    planner: tuple[BaseChatModel, ...]
    executor: tuple[BaseChatModel, ...]
    limits: Limits
    approval_hours: float = APPROVAL_HOURS
    link_hosts: frozenset[str] = frozenset()
    counters: Counters = field(default_factory=Uncounted)
    listeners: Listeners = nobody

    @property
    def planner_facts(self) -> list[ModelFacts]:
        """Return what may be said of the planner's models."""
        return [facts_of(model) for model in self.planner]

    @property
    def executor_facts(self) -> list[ModelFacts]:
        """Return what may be said of the executors' models."""
        return [facts_of(model) for model in self.executor]

    async def record_of(self, user_id: UUID, run_id: UUID) -> Record:
        """Return what is recorded of a run that ended.

        Raises:
            RecordIncomplete: there is none of a person's runs that did, or its events were removed.
        """
        async with self.database.acting(Role.API, Identity(user_id)) as scope:
            return await read_record(scope, run_id)

    def asked(self, name: str | None) -> tuple[BaseChatModel, ...]:
        """Return the configured model of a name, alone; nothing when there is none."""
        return tuple(model for model in (*self.planner, *self.executor) if name_of(model) == name)[:1]

    def least_tokens(self, message: str, asked: str | None = None) -> int:
        """Return what the first model call over a message reserves at least; 0 when nobody pays for it.

        `asked` is the name of the model, when it is not the usual one.
        """
        if is_free((self.asked(asked) or self.planner)[0]):
            return 0
        return _wordless_tokens(self.registry) + tokens_of(message) + self.limits.answer_tokens


@lru_cache(1)
def _wordless_tokens(registry: Registry) -> int:
    """Return about how many tokens a planner is asked over a message without words, in a program's one registry."""
    return size_of([HumanMessage("")], [*registry.schemas(registry.names()), plan_schema()]).tokens


async def run_turn(engine: Engine, identity: Identity, told: Told) -> None:
    """Run a claimed run to its end, or to where it waits for a person.

    `told` is called with the events of each commit that appended some.

    Raises:
        Fenced: another attempt holds the run; nothing more was written.
        DatabaseUnavailable: the database went away; the run stays unfinished and is taken up again.
    """
    wall = asyncio.timeout(engine.limits.wall_seconds)
    try:
        attempt = Attempt(engine.database, identity)
        checkpoints = OwedCheckpoints(attempt)
        context = await _context(engine, attempt, told, checkpoints)
        async with wall, context.early:
            stopped_at = await _through_the_graph(context, checkpoints, engine.listeners(context.request))
        if isinstance(stopped_at, FinishedReason):
            await end_answered(attempt, told, stopped_at)
        else:
            await pause(context, stopped_at, engine.approval_hours)
    except TimeoutError:
        if not wall.expired():
            raise
        await _end_with(engine.database, identity, told, TurnTimedOut())
    except GraphRecursionError:
        await end_failed(engine.database, identity, told, "too_many_steps", retryable=False)
    except (TurnError, ModelFailure) as failure:
        await _end_with(engine.database, identity, told, failure)


async def _end_with(database: Database, identity: Identity, told: Told, failure: TurnError | ModelFailure) -> None:
    await end_failed(database, identity, told, failure.code, retryable=failure.retryable, text=str(failure))


async def _through_the_graph(
    context: Context, checkpoints: OwedCheckpoints, listeners: list[BaseCallbackHandler]
) -> FinishedReason | list[UUID]:
    """Start the run on its session's thread, or go on from the last checkpoint that it left there.

    Returns how it ended, or the calls that it waits for.
    """
    graph = GRAPH.copy(update={"checkpointer": checkpoints})
    config = RunnableConfig(
        configurable={"thread_id": str(context.session_id)},
        recursion_limit=context.limits.supersteps,
        run_name="planwright",
        tags=[tag("run", context.run_id), tag("session", context.session_id)],
        callbacks=listeners or None,
    )

    async def work(start: State | Command[Never] | None) -> dict[str, Any]:
        return await graph.ainvoke(start, config, context=context, durability="sync")

    left = None if context.memory.is_whole else await graph.aget_state(config)
    if left is None or left.values.get("run_id") != str(context.run_id):
        state = await work(fresh(str(context.run_id)))
    elif left.tasks:  # `next` leaves out a node whose writes are stored and whose checkpoint is not
        state = await work(Command(resume=True) if left.interrupts else None)
    else:
        state = left.values
    return awaited(state.get("__interrupt__", ())) or FinishedReason(state["reason"])


async def _before_the_first(attempt: Attempt, limit: int) -> Sequence[Message]:
    """Return what was said before the run that a rerun goes back to."""
    async with attempt.writing() as scope:
        return await messages.before_run(scope, await runs.first_of(scope, attempt.run_id), limit)


async def _context(engine: Engine, attempt: Attempt, told: Told, checkpoints: OwedCheckpoints) -> Context:
    identity, run_id = attempt.identity, attempt.run_id
    is_first = identity.attempt == FIRST_ATTEMPT
    async with attempt.writing() as scope:
        if not is_first:
            usage.settle_open(scope, run_id)  # of an attempt before, which settles nothing any more
        scope.ends_with_next()
        run, session, person, quoted, said, _ = await scope.together(
            runs.find(scope, run_id),
            sessions.of_run(scope, run_id),
            users.me(scope),
            quoted_history.of_run(scope, run_id),
            messages.before_run(scope, run_id, engine.limits.history_messages),
            checkpoints.look_ahead(scope),
        )
    assert run is not None, "the fence was just passed"
    assert session is not None, "a run belongs to a session"
    assert person is not None, "a session belongs to a user"
    zone = ZoneInfo(person.time_zone)
    now = run.created_at.astimezone(UTC)
    stand_in = await following(engine.database, identity, run)
    log = EventLog(told, engine.limits.event_bytes)
    reader = Caller(engine.database, identity.user_id, zone, now)
    return Context(
        attempt=attempt,
        run_id=run_id,
        session_id=session.id,
        context_type=session.context_type,
        entity_id=session.entity_id,
        request=run.request,
        route=WantedRoute(run.route),
        quoted_history=quoted,
        time_zone=zone,
        now=now,
        registry=engine.registry,
        gateway=Gateway(
            registry=engine.registry,
            attempt=attempt,
            caller=reader,
            journal=ToolEvents(log, engine.counters),
            consent=Consent(Mode(session.approvals), run.request),
            bounds=Bounds(engine.limits.tool_calls, engine.limits.approvals, conduct=conduct_of(run, stand_in)),
        ),
        planner=engine.asked(run.asked_model) or engine.planner,
        executor=engine.asked(run.asked_model) or engine.executor,
        limits=engine.limits,
        log=log,
        early=EarlyTasks(engine.limits.plan_width),
        link_hosts=engine.link_hosts,
        counters=engine.counters,
        stand_in=stand_in,
        memory=Memory(is_whole=is_first),
        said_before=said if run.replay_of is None else await _before_the_first(attempt, engine.limits.history_messages),
    )
