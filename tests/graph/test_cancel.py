"""A run that a person stops: nothing begins behind the acknowledgement, nothing is lost, nothing stays open."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import pytest

from graph.ending import end_cancelled, end_failed
from graph.turn import run_turn
from nodes.vocabulary.events import StepStatus
from nodes.vocabulary.view import Arrival, RunView, fold
from persistence.pools import Database
from persistence.runs import events, ledger, runs, usage
from persistence.runs.ledger import CallState
from persistence.scope import Identity, Role, Scope
from tests.conftest import TEST_SECRET, Person
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, rules, when
from tests.scripted_model.tokens import CHARS_PER_TOKEN
from tests.turns import Desk, Turn, desk, plan, step, submit
from tools.outcomes import outcome_unknown
from tools.registry import Registry
from tools.tool import Access, Args, Caller, Effect, Tool, ToolAnswer, answered

ANSWER: Final = "Your list is in order now, and these are the things that were done for it. "
NEXT: Final = "And what now?"
HERE: Final = when(text("Here I am."), says=NEXT)
SIX: Final = tuple(call("create_task", {"title": f"Part {number}"}) for number in range(6))


def tool_run() -> Script:
    """Two reads side by side, a write, an answer."""
    return rules(
        HERE,
        when(tools(call("list_tasks", {}), call("list_projects", {})), last_role="user"),
        when(text(ANSWER, deltas=9), says="Created the task"),
        when(tools(SIX[0])),
    )


def complex_run() -> Script:
    """Four executors of two calls each, a step of the planner's that writes, an answer."""
    reads = [step(number) for number in range(1, 5)]
    writes = step(5, by="planner", tool="create_task", after=[1, 2, 3, 4])
    return rules(
        HERE,
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result", last_role="tool"),
        when(tools(SIX[0]), says="# Step 5"),
        when(text("Done."), mentions="# Step 5", last_role="tool"),
        when(plan(*reads, writes), offers="create_plan"),
        when(text(ANSWER, deltas=9)),
    )


def writing_run() -> Script:
    """Six writes in one answer."""
    return rules(HERE, when(tools(*SIX), last_role="user"), when(text(ANSWER, deltas=9)))


class Nothing(Args):
    """Take nothing."""


class Interrupted(Database):
    """The program's own database, with something that happens right behind one commit of a run's worker."""

    at: int = 0
    commits: int = 0
    act: Callable[[], Awaitable[None]] | None = None

    @asynccontextmanager
    async def acting(
        self, role: Role, who: Identity, *, lent: bool = False, first: Callable[[Scope], None] | None = None
    ) -> AsyncGenerator[Scope]:
        """Open a transaction; count it when it is one of a run's worker."""
        async with super().acting(role, who, lent=lent, first=first) as scope:
            yield scope
        if role is Role.WORKER and who.run_id is not None:
            self.commits += 1
            if self.commits == self.at and self.act is not None:
                await self.act()


@pytest.fixture
async def interrupted(admin_dsn: str) -> AsyncGenerator[Interrupted]:
    """Give pools of the test's own."""
    opened = Interrupted(admin_dsn, TEST_SECRET)
    await opened.open()
    yield opened
    await opened.close()


@dataclass(frozen=True)
class Begun:
    """How much of a run has begun or taken effect."""

    model_calls: int
    tool_calls: int
    applied: int


async def begun(scope: Scope, run_id: UUID) -> Begun:
    """Count what has begun, in the scope's transaction."""
    calls = await ledger.of_run(scope, run_id)
    applied = [row for row in calls if row.state == CallState.APPLIED and row.access == "write"]
    return Begun(len(await usage.of_run(scope, run_id)), len(calls), len(applied))


@dataclass
class Trial:
    """One run that is stopped right behind one commit: what had begun then, and what came of it."""

    at: Desk
    database: Interrupted
    run_id: UUID
    acknowledged: bool = False
    before: Begun | None = None
    turn: asyncio.Task[None] | None = None

    async def stop_behind(self, commits: int, *, tells_worker: bool) -> Turn:
        """Work on the run, have it stopped behind that commit, and end it as a worker does.

        Without `tells_worker` nobody cancels the turn: it has to find out by itself.
        """

        async def cancel() -> None:
            async with self.database.acting(Role.API, self.at.person.identity) as scope:
                self.acknowledged = await runs.request_cancel(scope, self.run_id)
                self.before = await begun(scope, self.run_id)
            if self.acknowledged and tells_worker and self.turn is not None:
                self.turn.cancel()

        identity = await self.at.claim(self.run_id)
        self.database.at, self.database.commits, self.database.act = commits, 0, cancel
        self.turn = asyncio.create_task(run_turn(self.at.engine, identity, self.at.hear))
        await self.at.stop(identity, self.turn)
        return await self.at.turn(self.run_id)

    async def after(self) -> Begun:
        """Count what has begun by now."""
        async with self.at.database.acting(Role.API, self.at.person.identity) as scope:
            return await begun(scope, self.run_id)


async def view_of(at: Desk, run_id: UUID) -> RunView:
    """Return what a page shows of a run."""
    async with at.database.acting(Role.API, at.person.identity) as scope:
        logged = await events.after(scope, run_id, 0, 10_000)
    return fold(Arrival(event.seq, event.payload) for event in logged)


async def assert_nothing_is_open(at: Desk, run_id: UUID) -> None:
    """Hold that neither the page nor the record shows anything of a run at work."""
    view = await view_of(at, run_id)
    assert {step.status for step in view.steps}.isdisjoint({StepStatus.EXECUTING, StepStatus.PENDING})
    assert all(tool.success is not None for tool in view.tools)
    assert all(executor.outcome is not None for executor in view.executors)
    assert await at.rows("select id from tool_calls where run_id = %s and state = 'intent'", run_id) == []
    assert await at.rows("select id from model_usage where run_id = %s and outcome is null", run_id) == []
    assert await at.rows("select id from agents where run_id = %s and status = 'active'", run_id) == []
    assert await at.rows("select id from agent_chat_sessions where run_id = %s and status = 'active'", run_id) == []
    assert await at.rows("select id from agent_executions where status = 'executing'") == []


async def assert_it_tells_the_truth(at: Desk, turn: Turn) -> None:
    """Hold that a run has one end, the last event, and that its text, usage and effects are what is stored."""
    assert [kind for kind in turn.types if kind in {"done", "error"}] == turn.types[-1:]
    said = await at.rows("select content from chat_messages where run_id = %s and role = 'assistant'", turn.run.id)
    assert said == ([{"content": turn.text}] if turn.text else [])
    assert ANSWER.startswith(turn.text)
    [paid] = await at.rows(
        "select coalesce(sum(prompt_tokens), 0)::int as prompt, coalesce(sum(completion_tokens), 0)::int as completion"
        " from model_usage where run_id = %s",
        turn.run.id,
    )
    assert (turn.run.prompt_tokens, turn.run.completion_tokens) == (paid["prompt"], paid["completion"])
    assert turn.events[-1]["usage"]["total_tokens"] == paid["prompt"] + paid["completion"]


def assert_well_formed(requests: list[ChatRequest]) -> None:
    """Hold that behind each answer with calls stand the results of exactly these calls."""
    for request in requests:
        messages = request.messages
        for place, message in enumerate(messages):
            wanted = message.get("tool_calls") or []
            assert isinstance(wanted, list)
            results = messages[place + 1 : place + 1 + len(wanted)]
            assert [each["id"] for each in wanted if isinstance(each, dict)] == [
                result.get("tool_call_id") for result in results
            ]


@pytest.mark.figure
@pytest.mark.parametrize("tells_worker", [True, False], ids=["worker told", "worker not told"])
@pytest.mark.parametrize(
    ("script", "name"),
    [
        pytest.param(tool_run, "tools", id="tools"),
        pytest.param(complex_run, "4 executors", id="4 executors"),
        pytest.param(writing_run, "6 writes", id="6 writes"),
    ],
)
async def test_a_cancel_behind_any_commit_stops_the_run(
    interrupted: Interrupted, person: Person, script: Callable[[], Script], name: str, *, tells_worker: bool
) -> None:
    """Wherever a run is stopped, no call begins behind it, all that is open is closed, and the next message works.

    Behind every other commit the worker is told, behind the others it is not.
    """
    late, acknowledged = 0, 0
    async with desk(interrupted, person, script()) as at:
        await at.ask("Put my house in order")
        commits, tasks = interrupted.commits, len(await at.rows("select id from tasks"))
        places = range(1 if tells_worker else 2, commits, 2)
        for place in places:
            at.session_id = None
            asked = len(at.model.requests)
            trial = Trial(at, interrupted, await at.accept("Put my house in order"))
            turn = await trial.stop_behind(place, tells_worker=tells_worker)
            after = await trial.after()
            tasks += after.applied
            assert turn.run.status == ("cancelled" if trial.acknowledged else "done"), place
            assert len(at.model.requests) - asked <= after.model_calls
            late += trial.before is not None and trial.before != after
            acknowledged += trial.acknowledged
            await assert_nothing_is_open(at, turn.run.id)
            await assert_it_tells_the_truth(at, turn)
            assert (await at.ask(NEXT)).text == "Here I am."
        assert len(await at.rows("select id from tasks")) == tasks
    assert_well_formed(at.model.requests)
    assert late == 0
    assert acknowledged >= len(places) * 3 // 4, "a fast answer is told in fewer commits"
    told = "worker told" if tells_worker else "worker not told"
    print(f"cancel, {name}, {told}: {acknowledged} runs stopped behind {len(places)} commits, {late} with a late start")


# What stays open


@dataclass
class Waiting:
    """A tool that begins and does not end."""

    begins: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, _args: Nothing, _caller: Caller) -> ToolAnswer:
        """Say that it began, and wait for good."""
        self.begins.set()
        await asyncio.Event().wait()
        return answered("Never.")


@pytest.mark.parametrize(
    ("access", "effect", "state", "stopped", "failed"),
    [
        pytest.param(
            Access.READ,
            Effect.LOCAL,
            ("failed", "cancelled"),
            "Not finished: the run was stopped.",
            "Not finished: the run ended by an error.",
            id="a read",
        ),
        pytest.param(
            Access.WRITE,
            Effect.LOCAL,
            ("failed", "cancelled"),
            "Not done: the run was stopped before it.",
            "Not done: the run ended by an error before it.",
            id="a write of ours",
        ),
        pytest.param(
            Access.WRITE,
            Effect.EXTERNAL,
            ("unknown", "outcome_unknown"),
            outcome_unknown("wait").message,
            outcome_unknown("wait").message,
            id="a write elsewhere",
        ),
    ],
)
async def test_an_open_call_is_closed_with_what_is_certain(
    database: Database,
    person: Person,
    access: Access,
    effect: Effect,
    state: tuple[str, str],
    stopped: str,
    failed: str,
) -> None:
    """A read is not finished, a write of ours is not done, of a write elsewhere nobody knows; the end says why."""
    waiting = Waiting()
    registry = Registry.of([Tool(name="wait", args=Nothing, run=waiting.run, access=access, effect=effect)])
    script = rules(HERE, when(tools(call("wait", {}))))
    async with desk(database, person, script, registry=registry) as at:
        for told in (stopped, failed):
            waiting.begins.clear()
            identity = await at.claim(run_id := await at.accept("Wait"))
            turn = asyncio.create_task(run_turn(at.engine, identity, at.hear))
            await waiting.begins.wait()
            turn.cancel()
            await asyncio.wait({turn})
            if told is stopped:
                await at.request_cancel(run_id)
                await end_cancelled(database, identity, at.hear)
                [row] = await at.rows("select state, error_code from tool_calls where run_id = %s", run_id)
                assert (row["state"], row["error_code"]) == state
            else:
                await end_failed(database, identity, at.hear, "internal", retryable=True)
            assert [event["tool_result"]["error"] for event in (await at.turn(run_id)).all("tool_result")] == [told]
            await assert_nothing_is_open(at, run_id)
        assert (await at.ask(NEXT)).text == "Here I am."
    assert_well_formed(at.model.requests)


async def test_a_stop_in_the_middle_of_a_sentence_keeps_its_words_and_their_cost(
    database: Database, person: Person
) -> None:
    """The text as far as it came is the answer, and its tokens are those that the model server sent."""
    gate = Gate()
    async with desk(database, person, rules(HERE, when(text(ANSWER, deltas=4).gated(gate, after=3)))) as at:
        identity = await at.claim(run_id := await at.accept("Talk"))
        turn = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        await gate.reached()
        at.news.clear()
        while not (await at.turn(run_id)).text:
            await at.news.wait()
            at.news.clear()
        assert await at.request_cancel(run_id)
        turn.cancel()
        await at.stop(identity, turn)
        ended = await at.turn(run_id)
        [paid] = await at.rows(
            "select outcome, estimated, completion_tokens from model_usage where run_id = %s", run_id
        )
        await assert_it_tells_the_truth(at, ended)
        assert (await at.ask(NEXT)).text == "Here I am."
        assert ended.text in at.model.requests[-1].all_text
    assert ended.text
    assert (paid["outcome"], paid["estimated"]) == ("cancelled", True)
    assert paid["completion_tokens"] == -(-len(ended.text) // CHARS_PER_TOKEN)


async def test_a_run_that_was_answered_though_it_was_to_stop_ends_as_stopped(
    database: Database, person: Person
) -> None:
    """What was acknowledged is what the end tells, even when the answer was complete by then."""
    gate = Gate()
    async with desk(database, person, [text("All of it.").gated(gate)]) as at:
        identity = await at.claim(run_id := await at.accept("Talk"))
        turn = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        await gate.reached()
        assert await at.request_cancel(run_id)
        gate.open()
        await at.stop(identity, turn)
        ended = await at.turn(run_id)
    assert (ended.text, ended.run.status, ended.events[-1]["finished_reason"]) == (
        "All of it.",
        "cancelled",
        "cancelled",
    )
