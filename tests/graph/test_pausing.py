"""A run that waits for a person: what it asks, what is decided, and what comes of it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from graph.ending import end_cancelled
from graph.pausing import digest_of
from persistence.errors import PersistenceError
from persistence.pools import Database
from persistence.runs import runs
from persistence.runs.approvals import NewCall
from persistence.scope import Role
from server.refusals import Refused
from tests.approving import approval_of, asks_first, go_on, say, states, titles
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.script import rules, when
from tests.tools import extension
from tests.turns import Desk, Turn, desk, plan, step, submit
from tests.workspace_rows import Desk as Workspace
from tools.registry import Registry
from tools.tool import Caller, Effect, Tool, ToolAnswer, answered

WRITES = call("create_task", {"title": "Water the plants"})
SCRIPT = [tools(WRITES), text("It is done as you said.")]


@asynccontextmanager
async def asking(database: Database, person: Person, script: list[Reply]) -> AsyncGenerator[Desk]:
    """Give a desk at which every write waits."""
    async with desk(database, person, script) as at:
        await asks_first(at)
        yield at


def edits(turn: Turn, **arguments: JsonValue) -> dict[str, JsonValue]:
    """Return other arguments for the first call that a run waits with."""
    return {approval_of(turn)["calls"][0]["id"]: {"arguments": arguments}}


# What is asked


async def test_a_write_waits_where_a_person_wants_to_be_asked(database: Database, person: Person) -> None:
    """In `ask`, the run stops before its write, says exactly which, and changes nothing."""
    async with asking(database, person, SCRIPT) as at:
        turn = await at.ask("Remember the plants")
        assert turn.types == ["analysis", "tool_call", "done"]
        shown = approval_of(turn)["calls"][0]
        assert shown == {
            "id": turn.all("tool_call")[0]["tool_call"]["id"],
            "tool": "create_task",
            "target": "a new task “Water the plants”",
            "arguments": {"title": "Water the plants"},
            "changes": [{"field": "title", "to": "Water the plants"}],
            "unknown": False,
        }
        assert turn.events[-1]["usage"]["total_tokens"] > 0
        assert (await titles(at), len(at.model.requests)) == ([], 1)


async def test_what_is_asked_about_hides_nothing(database: Database, person: Person) -> None:
    """A title that turns its own letters round, or hides some, is shown as what it is."""
    task = await Workspace(database, person).add_task("Pay \u202etner eht\u202c\u200b now")
    update = call("update_task", {"task_id": str(task), "updates": {"title": "Pay \u2067Eve\u2069"}})
    async with asking(database, person, [tools(update)]) as at:
        shown = approval_of(await at.ask("Rename it"))["calls"][0]
        assert shown["target"] == "the task “Pay tner eht now”"
        assert shown["changes"] == [{"field": "title", "from": "Pay tner eht now", "to": "Pay Eve"}]


async def test_an_approved_write_takes_effect(database: Database, person: Person) -> None:
    """Behind the pause the same log goes on, to its one end; the model was not asked again for the call."""
    async with asking(database, person, SCRIPT) as at:
        turn = await go_on(at, await at.ask("Remember the plants"))
        assert turn.types == ["analysis", "tool_call", "done", "tool_result", "text", "done"]
        assert (turn.run.status, turn.text) == ("done", "It is done as you said.")
        assert (await titles(at), len(at.model.requests)) == (["Water the plants"], 2)
        assert await states(at, turn.run.id) == ["applied"]


async def test_reading_never_waits(database: Database, person: Person) -> None:
    """In `ask`, what only reads runs at once."""
    async with asking(database, person, [tools(call("list_tasks", {})), text("Nothing is open.")]) as at:
        assert (await at.ask("What is open?")).run.status == "done"


async def test_calls_before_the_first_write_have_run(database: Database, person: Person) -> None:
    """All writes of an answer are asked about together; reads before them have run, those behind have not."""
    mixed = tools(call("list_tasks", {}), WRITES, call("search_notes", {}), call("create_note", {"content": "x"}))
    async with asking(database, person, [mixed, text("Ready.")]) as at:
        turn = await at.ask("Do it all")
        assert [shown["tool"] for shown in approval_of(turn)["calls"]] == ["create_task", "create_note"]
        assert [event["tool_call"]["function"]["name"] for event in turn.all("tool_call")] == [
            "list_tasks",
            "create_task",
            "create_note",
        ]
        assert len(turn.all("tool_result")) == 1
        turn = await go_on(at, turn)
        assert len(turn.all("tool_result")) == 4
        assert await titles(at) == ["Water the plants"]


async def test_a_call_that_could_not_run_is_not_asked_about(database: Database, person: Person) -> None:
    """A call with arguments that are none is refused to the model; nobody is asked to approve it."""
    async with asking(
        database, person, [tools(call("create_task", {"owner": "Eva"})), text("That failed: not created.")]
    ) as at:
        turn = await at.ask("Remember the plants")
        assert (turn.run.status, await titles(at)) == ("done", [])


async def test_a_run_can_wait_again_and_again(database: Database, person: Person) -> None:
    """Each answer's writes are a question of their own, with another digest."""
    script = [tools(call("create_task", {"title": f"Part {number}"})) for number in range(3)]
    async with asking(database, person, [*script, text("Ready.")]) as at:
        turn = await at.ask("Three parts")
        digests: list[str] = []
        for _ in script:
            digests.append(approval_of(turn)["digest"])
            turn = await go_on(at, turn)
        assert (turn.run.status, await titles(at)) == ("done", ["Part 0", "Part 1", "Part 2"])
        assert len(set(digests)) == 3


SOME_CALLS = st.lists(
    st.builds(
        NewCall,
        call_id=st.uuids(),
        outcome_unknown=st.booleans(),
        tool=st.sampled_from(["create_task", "create_note"]),
        arguments=st.text(max_size=5),
        target=st.text(max_size=5),
        changes=st.lists(st.dictionaries(st.sampled_from(["field", "from", "to"]), st.text(max_size=3)), max_size=2),
    ),
    max_size=3,
)


@given(one=SOME_CALLS, other=SOME_CALLS)
def test_any_change_of_the_calls_is_another_digest(one: list[NewCall], other: list[NewCall]) -> None:
    """Two questions have one digest exactly when they are the same question, in the same place."""
    assert (digest_of(1, one) == digest_of(1, other)) == (one == other)
    assert digest_of(1, one) != digest_of(2, one)


@given(calls=SOME_CALLS, field=st.sampled_from(["tool", "arguments", "target"]), more=st.text(min_size=1, max_size=3))
def test_no_part_of_a_call_can_change_unseen(calls: list[NewCall], field: str, more: str) -> None:
    """One more character anywhere makes another digest."""
    changed = [replace(call, **{field: getattr(call, field) + more}) for call in calls]
    assert (digest_of(1, calls) == digest_of(1, changed)) == (not calls)


# What is decided


async def test_denied_writes_leave_nothing(database: Database, person: Person) -> None:
    """The model is told that the person said no, and why; the answer names it and claims nothing."""
    script = [tools(WRITES, call("create_note", {"content": "x"})), text("I have created the task.")]
    async with asking(database, person, script) as at:
        turn = await go_on(at, await at.ask("Remember the plants"), "deny", note="Not now.")
        assert "The person said no: Not now." in at.model.requests[1].last_text
        assert [event["tool_result"]["success"] for event in turn.all("tool_result")] == [False, False]
        assert "nothing was changed" in turn.text
        assert "Not done: create_note. The person said no: Not now." in turn.text
        assert (await titles(at), await states(at, turn.run.id)) == ([], ["denied", "denied"])


async def test_one_call_of_several_is_dropped(database: Database, person: Person) -> None:
    """Who approves may leave calls out; the model is told which."""
    script = [tools(WRITES, call("create_task", {"title": "Paint the house"})), text("The plants, but not the house.")]
    async with asking(database, person, script) as at:
        turn = await at.ask("Remember both")
        dropped = approval_of(turn)["calls"][1]["id"]
        turn = await go_on(at, turn, calls={dropped: {"drop": True}})
        assert await titles(at) == ["Water the plants"]
        assert await states(at, turn.run.id) == ["applied", "denied"]
        assert "The person took this call out." in at.model.requests[1].all_text


async def test_edited_arguments_are_those_that_run(database: Database, person: Person) -> None:
    """A call runs with the person's arguments, in its own row; ledger, trace and model know them."""
    async with asking(database, person, SCRIPT) as at:
        turn = await at.ask("Remember the plants")
        turn = await go_on(at, turn, calls=edits(turn, title="Water the roses", priority="high"))
        rows = await at.rows("select arguments, state from tool_calls")
        assert [(json.loads(row["arguments"]), row["state"]) for row in rows] == [
            ({"title": "Water the roses", "priority": "high"}, "applied")
        ]
        assert await titles(at) == ["Water the roses"]
        assert "A person changed the arguments" in at.model.requests[1].last_text


# In a plan


async def test_a_step_that_waits_stops_no_other(database: Database, person: Person) -> None:
    """What does not depend on the waiting step ends before the pause, what does comes behind it."""
    script = rules(
        when(submit(), offers="submit_result"),
        when(tools(WRITES), says="# Step 1"),
        when(text("Written."), mentions="# Step 1", last_role="tool"),
        when(
            plan(
                step(1, by="planner", tool="create_task"), step(2), step(3), step(4, after=[1, 2]), step(5, after=[3])
            ),
            offers="create_plan",
        ),
        when(text("All is in order.")),
    )
    async with desk(database, person, script) as at:
        await asks_first(at)
        turn = await at.ask("Put my house in order")
        assert [shown["tool"] for shown in approval_of(turn)["calls"]] == ["create_task"]
        assert {event["step"]["stepNumber"] for event in turn.all("step_complete")} == {2, 3, 5}
        pause = len(turn.events)
        turn = await go_on(at, turn)
        assert {event["step"]["stepNumber"] for event in turn.events[pause:] if event["type"] == "step_complete"} == {
            1,
            4,
        }
        assert {event["step"]["status"] for event in turn.all("step_complete")} == {"completed"}
        assert (turn.run.status, turn.text, await titles(at)) == ("done", "All is in order.", ["Water the plants"])


async def test_a_chain_of_steps_waits_step_by_step(database: Database, person: Person) -> None:
    """The planner's own steps of a chain each ask before they write."""
    script = rules(
        when(tools(WRITES), says="# Step 1"),
        when(tools(call("create_task", {"title": "Feed the cat"})), says="# Step 2"),
        when(text("Written."), mentions="# Step", last_role="tool"),
        when(
            plan(step(1, by="planner", tool="create_task"), step(2, by="planner", tool="create_task", after=[1])),
            offers="create_plan",
        ),
        when(text("All is in order.")),
    )
    async with desk(database, person, script) as at:
        await asks_first(at)
        turn = await go_on(at, await at.ask("Put my house in order"))
        assert await titles(at) == ["Water the plants"]
        turn = await go_on(at, turn)
        assert await titles(at) == ["Feed the cat", "Water the plants"]
        assert turn.run.status == "done"


async def test_a_denied_step_is_not_planned_again(database: Database, person: Person) -> None:
    """A step that a person said no to fails, what waits for it is skipped, and no other way is looked for."""
    script = rules(
        when(submit(), offers="submit_result"),
        when(tools(WRITES), says="# Step 1"),
        when(text("It was not wanted."), mentions="# Step 1", last_role="tool"),
        when(plan(step(1, by="planner", tool="create_task"), step(2), step(3, after=[1])), offers="create_plan"),
        when(text("The task was not created, as you said.")),
    )
    async with desk(database, person, script) as at:
        await asks_first(at)
        turn = await go_on(at, await at.ask("Put my house in order"), "deny")
        ended = {event["step"]["stepNumber"]: event["step"]["status"] for event in turn.all("step_complete")}
        assert ended == {1: "failed", 2: "completed", 3: "skipped"}
        assert len(turn.all("plan_created")) == 1
        assert (turn.run.status, turn.text) == ("done", "The task was not created, as you said.")


# What is destructive


async def calendar(at: Desk, *summaries: str) -> list[str]:
    """Put events into the person's calendar; return their ids."""
    ids: list[str] = []
    async with at.database.acting(Role.WORKER, at.person.identity) as scope:
        for summary in summaries:
            event_id = await scope.value(
                UUID,
                "insert into calendar_events (summary, starts_at, ends_at, time_zone)"
                " values (%s, '2026-11-24 09:00Z', '2026-11-24 10:00Z', 'Europe/Berlin') returning id",
                (summary,),
            )
            ids.append(str(event_id))
    return ids


async def live_events(at: Desk) -> list[str]:
    """Return the summaries of the events that are not deleted."""
    rows = await at.rows("select summary from calendar_events where deleted_at is null order by summary")
    return [str(row["summary"]) for row in rows]


def deletion(event_id: str) -> Reply:
    """Return the call that deletes an event."""
    return tools(call("delete_calendar_event", {"event_id": event_id}))


async def deleted(database: Database, person: Person, request: str) -> tuple[Turn, list[str]]:
    """Ask, of a model that then deletes “Design review”; return the turn and what is left of the calendar."""
    async with desk(database, person, [text("Hello.")]) as at:
        review, _ = await calendar(at, "Design review", "Standup")
    async with desk(database, person, [deletion(review), text("The calendar is as you want it.")]) as at:
        return await at.ask(request), await live_events(at)


async def test_what_was_ordered_by_name_is_deleted_at_once(database: Database, person: Person) -> None:
    """In `auto`, an event that the message itself orders to delete, by its name, goes without a question."""
    turn, left = await deleted(database, person, "Delete the event Design review")
    assert (turn.run.status, left) == ("done", ["Standup"])


async def test_what_was_not_ordered_by_name_waits(database: Database, person: Person) -> None:
    """In `auto`, a deletion that the message did not order just so waits, and says what would be gone."""
    turn, left = await deleted(database, person, "Tidy up my calendar")
    shown = approval_of(turn)["calls"][0]
    assert shown["target"] == "the event “Design review”, Tue 24 Nov 10:00–11:00"
    assert shown["changes"] == [{"field": "event", "from": "“Design review” (Tue 24 Nov 10:00–11:00)"}]
    assert left == ["Design review", "Standup"]


async def test_an_order_of_an_earlier_message_is_none_now(database: Database, person: Person) -> None:
    """What was ordered in the session before orders nothing in this run."""
    async with desk(database, person, [text("Hello.")]) as at:
        review, _ = await calendar(at, "Design review", "Standup")
    async with desk(database, person, [text("Not found."), deletion(review)]) as at:
        await at.ask("Delete the event Design review")
        assert (await at.ask("Go on")).run.status == "waiting"


# What nobody knows


async def test_an_unknown_outcome_waits_and_runs_again_only_when_a_person_says_so(
    database: Database, person: Person
) -> None:
    """An operator's write that broke is said to be unknown; approved, it runs once more as a call of its own."""
    extension.called.clear()
    registry = Registry.build("tests.tools.extension:CRASHING")
    async with desk(
        database, person, [tools(call("crash_writing", {})), text("It is not known.")], registry=registry
    ) as at:
        turn = await at.ask("Send it")
        assert [shown["unknown"] for shown in approval_of(turn)["calls"]] == [True]
        assert turn.all("tool_result")[0]["tool_result"]["success"] is False
        turn = await go_on(at, turn)
        assert [shown["unknown"] for shown in approval_of(turn)["calls"]] == [True]
        assert extension.called == ["crash", "crash"]
        turn = await go_on(at, turn, "deny", note="I looked: it is there.")
        assert await states(at, turn.run.id) == ["unknown", "unknown"]
        assert "does not want it run again. Their note: I looked: it is there." in at.model.requests[1].last_text
        assert (turn.run.status, extension.called) == ("done", ["crash", "crash"])


async def never_ends(_args: extension.Nothing, _caller: Caller) -> ToolAnswer:
    """Wait for what does not come."""
    extension.called.append("act")
    await asyncio.Event().wait()
    return answered("Never.")


async def test_a_call_that_the_end_of_its_step_cut_off_waits(database: Database, person: Person) -> None:
    """A step out of time in the middle of an operator's write does not fail: a person decides, and it goes on."""
    extension.called.clear()
    act = Tool(name="act", args=extension.Nothing, run=never_ends, effect=Effect.EXTERNAL)
    script = rules(
        when(tools(call("act", {})), says="# Step 1"),
        when(text("Left as it is."), mentions="# Step 1", last_role="tool"),
        when(
            plan(step(1, by="planner", tool="act"), step(2, by="planner", tool="act", after=[1])), offers="create_plan"
        ),
        when(text("It is not known whether it took effect.")),
    )
    registry = Registry.of([*Registry.build().tools.values(), act])
    async with desk(database, person, script, registry=registry, limits=replace(ROOMY, step_seconds=0.5)) as at:
        turn = await at.ask("Act")
        assert [shown["unknown"] for shown in approval_of(turn)["calls"]] == [True]
        assert turn.all("tool_result")[0]["tool_result"]["success"] is False
        turn = await go_on(at, turn, "deny")
        assert (turn.run.status, extension.called) == ("done", ["act"])
        assert await states(at, turn.run.id) == ["unknown"]


# Ends while it waits


async def test_a_run_that_waits_is_stopped_and_the_session_goes_on(database: Database, person: Person) -> None:
    """Stopped while it waits, a run ends as cancelled with its calls not done; the next message works."""
    async with asking(database, person, [tools(WRITES), text("Here I am.")]) as at:
        turn = await at.ask("Remember the plants")
        async with database.acting(Role.API, person.identity) as scope:
            assert await runs.request_cancel(scope, turn.run.id)
        with pytest.raises(Refused) as refusal:
            await say(at, turn)
        assert refusal.value.code == "not_waiting"
        await end_cancelled(database, await at.claim(turn.run.id), at.hear)
        turn = await at.turn(turn.run.id)
        assert (turn.run.status, turn.types[-2:]) == ("cancelled", ["tool_result", "done"])
        assert await at.rows("select status from approvals") == [{"status": "cancelled"}]
        assert await states(at, turn.run.id) == ["failed"]
        assert (await at.ask("Hello?")).text == "Here I am."


# Crashes


async def commits_of(database: Database, person: Person) -> int:
    """Return after how many commits an asking run waits."""
    async with asking(database, person, SCRIPT) as at:
        await at.ask("Remember the plants")
        return len(at.heard)


@pytest.mark.figure
async def test_a_crash_at_any_commit_asks_once_and_writes_once(
    database: Database, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever the worker dies before or behind the pause, the person is asked once and the write is there once."""
    before = await commits_of(database, person)
    trials = [(commits, 0) for commits in range(1, before + 1)] + [(0, commits) for commits in range(1, 4)]
    for first, second in trials:
        await at_rest(database, person, first, second)
    with capsys.disabled():
        print(f"asking runs whose worker died once: {len(trials)}, each write there once")


async def at_rest(database: Database, person: Person, first: int, second: int) -> None:
    """Let the worker die after so many commits before the pause, or behind it, and hold what stands at the end."""
    async with asking(database, person, [SCRIPT[0], SCRIPT[1], SCRIPT[1]]) as at:
        run_id = await at.accept("Remember the plants")
        if first:
            assert await at.crash(run_id, first)
        waiting = await at.turn(run_id)
        if waiting.run.status != "waiting":
            waiting = await at.finish(run_id)
        await say(at, waiting)
        if second:
            assert await at.crash(run_id, second)
        turn = await at.turn(run_id)
        if not turn.run.finished:
            turn = await at.finish(run_id)
        assert turn.run.status == "done", (first, second)
        assert len(await at.rows("select id from approvals where run_id = %s", run_id)) == 1, (first, second)
        assert await at.rows("select count(*)::int as n from tool_calls where run_id = %s", run_id) == [{"n": 1}]
        assert turn.types.count("tool_call") == turn.types.count("tool_result") == 1
        assert await states(at, run_id) == ["applied"]


async def test_a_crash_between_the_interrupt_and_the_pause_is_harmless(database: Database, person: Person) -> None:
    """A graph that stopped for a person, and whose pause was never stored, stops at the same call again."""
    async with asking(database, person, SCRIPT) as at:
        run_id = await at.accept("Remember the plants")
        engine, at.engine = at.engine, replace(at.engine, approval_hours=float("nan"))
        for _ in range(2):
            with pytest.raises(PersistenceError):
                await at.finish(run_id)
        at.engine = engine
        turn = await go_on(at, await at.finish(run_id))
        assert turn.types == ["analysis", "tool_call", "done", "tool_result", "text", "done"]
        assert (await titles(at), len(at.model.requests)) == (["Water the plants"], 2)
