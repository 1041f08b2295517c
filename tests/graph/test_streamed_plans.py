"""A plan's read steps start while it is being written; nobody can tell, but for the time it takes."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Final
from uuid import UUID

import pytest

from graph.turn import run_turn
from persistence.pools import Database
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.script import Rule, Script, rules, when
from tests.turns import Desk, Payload, Turn, desk, plan, step, submit

READS: Final = (step(1), step(2), step(3, after=[1]))
ANSWER: Final = "Your week is free."
REQUEST: Final = "Organise my week."
PATIENCE_SECONDS: Final = 20
PROMPT: Final = "select reserved_tokens - answer_tokens as tokens from model_usage where purpose = 'decide'"
HEADS: Final = 2  # events before the first piece of a call's arguments


def held_behind(reply: Reply, gate: Gate, number: int) -> Reply:
    """Return a plan's reply that stops at a gate as soon as the step of that number is complete."""
    [written] = reply.calls
    assert written.arguments is not None
    steps = [json.dumps(each, ensure_ascii=False) for each in json.loads(written.arguments)["steps"]]
    end = written.arguments.index(steps[number - 1]) + len(steps[number - 1])
    return reply.gated(gate, after=HEADS - (-end // written.piece_chars))


def reading(*, submitted: Reply | None = None) -> tuple[Rule, Rule]:
    """Give the rules of executors: each reads a list and hands in a result."""
    return (
        when(submitted or submit(), offers="submit_result", last_role="tool"),
        when(tools(call("list_tasks", {})), offers="submit_result"),
    )


def planning(*plans: Reply, submitted: Reply | None = None, more: tuple[Rule, ...] = ()) -> Script:
    """Give a script whose planner hands in these plans, one a request, and then answers."""
    return rules(*reading(submitted=submitted), *more, when(*plans, offers="create_plan"), when(text(ANSWER)))


async def begun(at: Desk, run_id: UUID) -> asyncio.Task[None]:
    """Begin to work on a run."""
    return asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))


async def written_on(at: Desk, written: Gate) -> Turn:
    """Have two steps end while their plan waits to be written on, then the run."""
    run_id = await at.accept(REQUEST)
    running = await begun(at, run_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await at.model.requested(1 + 2 * 2)
    written.open()
    await running
    return await at.turn(run_id)


def holds_together(turn: Turn) -> None:
    """Hold that the log tells of nothing before its plan, of each step once, and of each call with its result."""
    [announced] = turn.places("plan_created")
    for kind in ("step_start", "step_complete", "executor_spawned", "executor_result", "tool_call", "tool_result"):
        assert all(place > announced for place in turn.places(kind)), kind
    for kind in ("step_start", "step_complete"):
        numbers = Counter(event["step"]["stepNumber"] for event in turn.all(kind))
        assert set(numbers.values()) == {1}, (kind, numbers)
    spawned = [event["executorId"] for event in turn.all("executor_spawned")]
    assert sorted(spawned) == sorted(event["executorId"] for event in turn.all("executor_result"))
    called = [event["tool_call"]["id"] for event in turn.all("tool_call")]
    assert sorted(called) == sorted(event["tool_result"]["tool_call_id"] for event in turn.all("tool_result"))
    for number in {event["step"]["stepNumber"] for event in turn.all("step_start")}:
        [start], [end] = turn.places("step_start", number=number), turn.places("step_complete", number=number)
        assert start < end


async def executors(at: Desk) -> list[Payload]:
    """Return the executions, oldest first."""
    return await at.rows("select step_number, status, error, result from agent_executions order by created_at, id")


async def held(at: Desk) -> int:
    """Return how many events are held."""
    return len(await at.rows("select id from held_events"))


async def test_steps_end_before_their_plan_does(database: Database, person: Person) -> None:
    """While the third step is being written the first two are read to their end, and the log says nothing of it."""
    gate = Gate()
    script = planning(held_behind(plan(*READS), gate, 2))
    async with desk(database, person, script) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2 * 2)  # the planner's, and both calls of two executors
        assert (await at.turn(run_id)).types == []
        assert [row["revision"] for row in await at.rows("select revision from agent_plans")] == [0]
        assert await held(at) > 0
        gate.open()
        await running
        turn = await at.turn(run_id)
        holds_together(turn)
        assert (turn.run.status, turn.text) == ("done", ANSWER)
        assert [event["plan"]["revision"] for event in turn.all("plan_created")] == [1]
        [announced] = turn.all("plan_created")
        assert {each["status"] for each in announced["plan"]["steps"]} == {"pending"}
        assert [row["status"] for row in await executors(at)] == ["completed"] * 3
        assert len(at.model.requests) == 1 + 3 * 2 + 1
        assert await held(at) == 0
        [stored] = await at.rows("select revision, status from agent_plans")
        assert stored == {"revision": 1, "status": "completed"}


async def test_a_step_that_still_runs_goes_on_behind_its_plan(database: Database, person: Person) -> None:
    """What a step began before the plan it ends after it, and its later events go straight into the log."""
    written, handed_in = Gate(), Gate()
    script = planning(held_behind(plan(*READS), written, 2), submitted=submit().gated(handed_in))
    async with desk(database, person, script) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await handed_in.reached()
            written.open()
            await at.heard_of(run_id, "step_start", number=1)
        assert not (await at.turn(run_id)).places("step_complete")
        handed_in.open()
        await running
        turn = await at.turn(run_id)
        holds_together(turn)
        assert [row["status"] for row in await executors(at)] == ["completed"] * 3


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([step(1), step(2, after=[1]), step(3, after=[2])], id="a chain"),
        pytest.param([step(1), step(2, by="planner", tool="create_task"), step(3)], id="one read, one write, so far"),
        pytest.param([step(1, after=[3]), step(2, after=[3]), step(3)], id="they wait for what is not there yet"),
        pytest.param([step(1), step(2, tool="create_task"), step(3)], id="an executor that is to write"),
        pytest.param([step(1), step(2, tool="no_such_tool"), step(3)], id="a tool that is none"),
        pytest.param([step(1), step(1), step(3)], id="a number twice"),
    ],
)
async def test_nothing_starts_too_early(database: Database, person: Person, steps: list[Payload]) -> None:
    """Two steps that could not both be run by executors, as far as is known, wait for the rest."""
    gate = Gate()
    sound = plan(step(1), step(2))
    own = when(text("It is on the list."), says="# Step")
    async with desk(database, person, planning(held_behind(plan(*steps), gate, 2), sound, more=(own,))) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gate.reached()
        assert await at.rows("select id from agent_plans") == []
        gate.open()
        await running
        turn = await at.turn(run_id)
        assert turn.run.status == "done"
        [announced] = turn.places("plan_created")
        assert all(place > announced for place in turn.places("step_start"))


async def test_a_refused_plan_cancels_what_it_began(database: Database, person: Person) -> None:
    """Executors of a plan that breaks a rule at its end are stopped, and nobody hears of them."""
    written, handed_in = Gate(), Gate()
    refused = plan(*READS, step(4, tool="no_such_tool"))
    mended = plan(*(replaced(each, "Another") for each in READS))
    script = rules(
        when(submit().gated(handed_in), offers="submit_result", last_role="tool", mentions="Do part"),
        *reading(),
        when(held_behind(refused, written, 2), mended, offers="create_plan"),
        when(text(ANSWER)),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2 * 2)
            await handed_in.reached()
        stopped = at.model.requests[-2:]
        written.open()
        await running
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert [await asyncio.wrap_future(request.delivered) for request in stopped] == [False, False]
        handed_in.open()
        turn = await at.turn(run_id)
        holds_together(turn)
        assert turn.run.status == "done"
        assert {event["step"]["description"][:7] for event in turn.all("step_complete")} == {"Another"}
        assert Counter(row["status"] for row in await executors(at)) == {"abandoned": 2, "completed": 3}
        assert await at.rows("select id from agents where status = 'active'") == []
        assert await at.rows("select id from tool_calls where state = 'intent'") == []
        assert await held(at) == 0


def replaced(each: Payload, words: str) -> Payload:
    """Return a step that is described in other words."""
    return {**each, "description": f"{words} part {each['stepNumber']}."}


async def test_a_plan_that_is_refused_twice_leaves_nothing_open(database: Database, person: Person) -> None:
    """Without a sound plan the run goes on with single tools; what was begun stands as abandoned in the record."""
    written = Gate()
    refused = plan(*READS, step(4, tool="no_such_tool"))
    script = rules(
        *reading(),
        when(held_behind(refused, written, 2), refused, offers="create_plan"),
        when(text("It took no plan.")),
    )
    async with desk(database, person, script) as at:
        turn = await written_on(at, written)
        assert (turn.run.status, turn.text) == ("done", "It took no plan.")
        assert set(turn.types) == {"analysis", "text", "done"}
        assert {row["status"] for row in await executors(at)} == {"abandoned"}
        assert await at.rows("select revision, status, steps from agent_plans") == [
            {"revision": 0, "status": "failed", "steps": []}
        ]
        assert await held(at) == 0


async def test_an_answer_that_is_cut_off_is_no_plan(database: Database, person: Person) -> None:
    """What an answer began that ended at its length is given up with it; the next answer may be no plan at all."""
    written = Gate()
    cut = replace(held_behind(plan(*READS), written, 2), finish_reason="length")
    script = rules(*reading(), when(cut, text("In short."), offers="create_plan"))
    async with desk(database, person, script) as at:
        turn = await written_on(at, written)
        assert (turn.types, turn.text) == (["analysis", "text", "done"], "In short.")
        assert {row["status"] for row in await executors(at)} == {"abandoned"}
        assert await held(at) == 0


async def test_a_model_that_breaks_off_is_asked_again_and_finds_its_steps(database: Database, person: Person) -> None:
    """A connection that broke in the middle of a plan costs that call; the executors' work stands."""
    written = Gate()
    broken = held_behind(plan(*READS), written, 2)
    broken = broken.disconnect_after(broken.gate_after_events + 1)
    async with desk(database, person, planning(broken, plan(*READS))) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2 * 2)
            await asyncio.gather(*(asyncio.wrap_future(request.delivered) for request in at.model.requests[1:]))
        written.open()
        await running
        turn = await at.turn(run_id)
        holds_together(turn)
        assert turn.run.status == "done"
        assert [row["status"] for row in await executors(at)] == ["completed"] * 3
        assert len(await at.rows("select id from tool_calls")) == 3


async def died(at: Desk, running: asyncio.Task[None]) -> None:
    """End the work on a run in the middle, and nothing else of it."""
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert at.model.requests


async def test_a_run_goes_on_in_the_middle_of_its_plan(database: Database, person: Person) -> None:
    """The planner is asked again; what its executors read before the crash is not read again, and no event is lost."""
    written, handed_in = Gate(), Gate()
    first = held_behind(plan(*READS), written, 2)
    slow = submit().gated(handed_in)
    script = rules(
        when(submit(), slow, offers="submit_result", last_role="tool"),
        *reading(),
        when(first, plan(*READS), offers="create_plan"),
        when(text(ANSWER)),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await handed_in.reached()
        await died(at, running)
        handed_in.open()
        calls = await at.rows("select id from tool_calls")
        assert len(calls) == 2
        turn = await at.finish(run_id)
        holds_together(turn)
        assert (turn.run.status, turn.text) == ("done", ANSWER)
        assert [row["status"] for row in await executors(at)] == ["completed"] * 3
        assert len(await at.rows("select id from tool_calls")) == 3
        assert await held(at) == 0


async def test_other_steps_than_before_a_crash_begin_anew(database: Database, person: Person) -> None:
    """A planner that plans otherwise the second time gets what it plans; only what is the same keeps its work."""
    written = Gate()
    first = held_behind(plan(*READS), written, 2)
    other = plan(READS[0], replaced(READS[1], "Rather do"), step(3, after=[2]), step(4))
    async with desk(database, person, planning(first, other)) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2 * 2)
            await asyncio.gather(*(asyncio.wrap_future(request.delivered) for request in at.model.requests[1:]))
        await died(at, running)
        turn = await at.finish(run_id)
        holds_together(turn)
        assert turn.run.status == "done"
        rows = [(row["step_number"], row["status"]) for row in await executors(at)]
        assert sorted(rows) == [
            (1, "completed"),
            (2, "abandoned"),
            (2, "completed"),
            (3, "completed"),
            (4, "completed"),
        ]
        told = {event["step"]["stepNumber"]: event["step"]["description"] for event in turn.all("step_complete")}
        assert told[2] == "Rather do part 2."
        assert await held(at) == 0


async def test_a_cancel_in_the_middle_of_a_plan_stops_its_steps(database: Database, person: Person) -> None:
    """Nobody is told of steps whose plan never came; no model is asked behind the cancel; nothing stays open."""
    written, handed_in = Gate(), Gate()
    script = planning(held_behind(plan(*READS), written, 2), submitted=submit().gated(handed_in))
    async with desk(database, person, script) as at:
        run_id = await at.accept(REQUEST)
        identity = await at.claim(run_id)
        running = asyncio.create_task(run_turn(at.engine, identity, at.hear))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2 * 2)
        assert await at.request_cancel(run_id)
        asked = len(at.model.requests)
        running.cancel()
        await at.stop(identity, running)
        turn = await at.turn(run_id)
        assert turn.types == ["done"]
        assert turn.run.status == "cancelled"
        assert len(at.model.requests) == asked
        assert {row["status"] for row in await executors(at)} == {"abandoned"}
        for open_rows in (
            "select id from agents where status = 'active'",
            "select id from tool_calls where state = 'intent'",
            "select id from model_usage where outcome is null",
            "select id from agent_chat_sessions where status = 'active'",
            "select id from held_events",
        ):
            assert await at.rows(open_rows) == []
        written.open()
        handed_in.open()


async def test_a_step_that_fails_early_is_looked_at_like_any_other(database: Database, person: Person) -> None:
    """Those behind it are skipped, and the planner is asked for another way."""
    written = Gate()
    failing = submit("There is nothing.", status="failed")
    script = rules(
        when(failing, offers="submit_result", last_role="tool", mentions="Do part 1."),
        *reading(),
        when(text("There is no other way."), offers="create_plan", lacks="list_tasks"),
        when(held_behind(plan(*READS), written, 2), offers="create_plan"),
        when(text(ANSWER)),
    )
    async with desk(database, person, script) as at:
        turn = await written_on(at, written)
        holds_together(turn)
        ends = {event["step"]["stepNumber"]: event["step"]["status"] for event in turn.all("step_complete")}
        assert ends == {1: "failed", 2: "completed", 3: "skipped"}
        replans = await at.rows("select id from model_usage where purpose = 'replan'")
        assert len(replans) == 1


async def test_early_and_later_steps_share_their_places(database: Database, person: Person) -> None:
    """No more steps are at work at once than a run may have, whenever they began."""
    written, read = Gate(), Gate()
    script = rules(
        when(submit(), offers="submit_result", last_role="tool"),
        when(tools(call("list_tasks", {})).gated(read), offers="submit_result"),
        when(held_behind(plan(*(step(number) for number in range(1, 6))), written, 3), offers="create_plan"),
        when(text(ANSWER)),
    )
    async with desk(database, person, script, limits=replace(ROOMY, plan_width=2)) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await at.model.requested(1 + 2)
            written.open()
            await at.heard_of(run_id, "step_start", number=2)
        assert len(await executors(at)) == 2
        read.open()
        await running
        turn = await at.turn(run_id)
        holds_together(turn)
        assert [row["status"] for row in await executors(at)] == ["completed"] * 5


async def test_a_step_waits_for_the_tokens_that_its_plan_gives_back(
    database: Database, person: Person, stranger: Person
) -> None:
    """While a plan is written its whole answer is reserved; a step that finds no room beside it is not refused."""
    reports, steps, written = when(submit(), offers="submit_result"), plan(step(1), step(2)), Gate()
    script = rules(reports, when(steps, offers="create_plan"), when(text(ANSWER)))
    async with desk(database, person, script) as at:
        await at.ask(REQUEST)
        [prompt] = await at.rows(PROMPT)
    limits = replace(
        ROOMY, tokens_per_minute=prompt["tokens"] + 9_500, token_wait_seconds=0, executor_answer_tokens=3_000
    )
    script = rules(reports, when(held_behind(steps, written, 2), offers="create_plan"), when(text(ANSWER)))
    async with desk(database, stranger, script, limits=limits) as at:
        run_id = await at.accept(REQUEST)
        running = await begun(at, run_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(await executors(at)) < 2:  # each look gives the run its turn
                pass
            for _ in range(20):
                await executors(at)
        written.open()
        await running
        turn = await at.turn(run_id)
        assert (turn.run.finished_reason, turn.text) == ("stop", ANSWER)
