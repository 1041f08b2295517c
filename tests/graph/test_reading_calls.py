"""An executor's only reading call acts before it is written down; it is stored with what it came to, or earlier."""

import asyncio
from dataclasses import dataclass, field

import pytest

from graph.ending import end_cancelled, end_failed
from graph.turn import run_turn
from persistence.pools import Database
from tests.conftest import Person
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.turns import Desk, desk, plan, step, submit
from tools.registry import Registry
from tools.tool import Access, Args, Caller, Effect, Tool, ToolAnswer, answered

CALLS = "select state, error_code, duration_ms from tool_calls"
RESULTS = "select content from agent_chat_messages where role = 'tool' and content like '%%Looked%%'"
COSTS = "select outcome, estimated, completion_tokens > 0 as paid from model_usage where purpose = 'executor'"


class Nothing(Args):
    """Look."""


@dataclass
class Looking:
    """A tool that looks until it is let go."""

    effect: Effect = Effect.LOCAL
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, _args: Nothing, _caller: Caller) -> ToolAnswer:
        """Say that it began, and wait."""
        self.begun.set()
        await self.may_end.wait()
        return answered("Looked.")

    @property
    def registry(self) -> Registry:
        """Return what has this tool alone."""
        return Registry.of([Tool(name="look", args=Nothing, run=self.run, access=Access.READ, effect=self.effect)])


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be stored because it takes its time."""
    monkeypatch.setattr("nodes.planning.worker.SEEN_AFTER_SECONDS", 600)


def looks() -> Script:
    """Two executors of one call each; one of them hands its result in at once."""
    return rules(
        when(tools(call("look", {})), offers="submit_result", mentions="Do part 1.", last_role="user"),
        when(submit(), offers="submit_result"),
        when(plan(step(1, tool="look"), step(2, tool="look")), offers="create_plan"),
        when(text("Both are done.")),
    )


async def told_of_the_call(at: Desk) -> bool:
    """Say whether the call is in the log."""
    return bool(await at.rows("select from run_events where type = 'tool_call'"))


async def test_a_call_that_takes_its_time_is_seen_while_it_runs(database: Database, person: Person) -> None:
    """It stands in the ledger without an outcome, and in the log; what it comes to is added."""
    looking = Looking()
    async with desk(database, person, looks(), registry=looking.registry) as at:
        run_id = await at.accept("Look at two things")
        working = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        at.news.clear()
        while not await told_of_the_call(at):
            await at.news.wait()
            at.news.clear()
        assert await at.rows(CALLS) == [{"state": "intent", "error_code": None, "duration_ms": None}]
        looking.may_end.set()
        await working
        turn = await at.turn(run_id)
        [made] = await at.rows(CALLS)
        assert len(await at.rows(RESULTS)) == 1
    assert (turn.run.status, made["state"], made["duration_ms"] >= 50) == ("done", "applied", True)
    assert len(turn.all("tool_call")) == len(turn.all("tool_result")) == 1


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("stopped", [True, False])
async def test_a_call_that_is_broken_off_is_known(database: Database, person: Person, *, stopped: bool) -> None:
    """It is closed with the run, and the answer that asked for it is paid as it was told."""
    looking = Looking()
    async with desk(database, person, looks(), registry=looking.registry) as at:
        identity = await at.claim(run_id := await at.accept("Look at two things"))
        working = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        await looking.begun.wait()
        await at.heard_of(run_id, "step_complete", number=2)
        assert not await told_of_the_call(at)
        working.cancel()
        await asyncio.wait([working])
        if stopped:
            await at.request_cancel(run_id)
            await end_cancelled(database, identity, at.hear)
        else:
            await end_failed(database, identity, at.hear, "internal", retryable=True)
        turn = await at.turn(run_id)
        [made] = await at.rows(CALLS)
        costs = await at.rows(COSTS)
    assert (made["state"], made["error_code"]) == ("failed", "cancelled" if stopped else "run_failed")
    assert len(turn.all("tool_call")) == len(turn.all("tool_result")) == 1
    assert {"outcome": "answered", "estimated": False, "paid": True} in costs


@pytest.mark.usefixtures("patient")
async def test_nobody_is_told_of_a_call_whose_run_was_stopped_meanwhile(database: Database, person: Person) -> None:
    """Behind the acknowledgement no call begins: what was looked at for one that did is dropped."""
    looking = Looking()
    async with desk(database, person, looks(), registry=looking.registry) as at:
        identity = await at.claim(run_id := await at.accept("Look at two things"))
        working = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        await looking.begun.wait()
        assert await at.request_cancel(run_id)
        looking.may_end.set()
        await at.stop(identity, working)
        turn = await at.turn(run_id)
        assert (await at.rows(CALLS), await at.rows(RESULTS)) == ([], [])
    assert turn.run.status == "cancelled"
    assert not turn.all("tool_call")
    assert not turn.all("tool_result")


@pytest.mark.usefixtures("patient")
async def test_a_call_that_others_could_notice_is_written_down_first(database: Database, person: Person) -> None:
    """What reads elsewhere begins behind its row in the ledger."""
    looking = Looking(Effect.EXTERNAL)
    async with desk(database, person, looks(), registry=looking.registry) as at:
        run_id = await at.accept("Look at two things")
        working = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        await looking.begun.wait()
        assert [row["state"] for row in await at.rows(CALLS)] == ["intent"]
        looking.may_end.set()
        await working


async def test_a_tool_that_breaks_is_told_of(database: Database, person: Person) -> None:
    """The call and what became of it are there when the run ends by an error that nobody foresaw."""

    async def breaks(_args: Nothing, _caller: Caller) -> ToolAnswer:
        raise ZeroDivisionError

    registry = Registry.of([Tool(name="look", args=Nothing, run=breaks, access=Access.READ)])
    async with desk(database, person, looks(), registry=registry) as at:
        identity = await at.claim(run_id := await at.accept("Look at two things"))
        with pytest.raises(ZeroDivisionError):
            await run_turn(at.engine, identity, at.hear)
        await end_failed(database, identity, at.hear, "internal", retryable=True)
        turn = await at.turn(run_id)
        assert [(row["state"], row["error_code"]) for row in await at.rows(CALLS)] == [("failed", "tool_crashed")]
    assert turn.run.status == "error"
