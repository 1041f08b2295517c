"""A whole turn, from an accepted message to its one terminal event."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from graph.turn import run_turn
from nodes.planning.calling import MAX_CALLS_AT_ONCE
from persistence.errors import Fenced
from persistence.pools import Database
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import Call, Reply, call, status, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import rules, when
from tests.turns import Turn, desk, plan, step, submit

QUICK = replace(ROOMY, call_attempts=1, step_attempts=1, first_token_seconds=2, token_gap_seconds=2)
WRITES = call("create_task", {"title": "Water the plants"})


def assert_one_end(types: list[str]) -> None:
    """Hold that a stream has exactly one terminal event, and that it is the last."""
    assert [kind for kind in types if kind in {"done", "error"}] == types[-1:]


# Routing


async def test_a_plain_answer_costs_one_model_call(database: Database, person: Person) -> None:
    """A text as the first word is the decision `simple`, announced before the text."""
    async with desk(database, person, [text("Good morning to you.", deltas=4)]) as at:
        turn = await at.ask("Good morning")
    assert turn.types[0] == "analysis"
    assert turn.all("analysis")[0]["analysis"]["strategy"] == "simple"
    assert (turn.text, turn.run.status, turn.run.strategy) == ("Good morning to you.", "done", "simple")
    assert len(at.model.requests) == 1
    assert_one_end(turn.types)


async def test_tool_calls_are_the_decision_to_use_tools(database: Database, person: Person) -> None:
    """Tool calls as the first word run, their results go back, and the planner answers from them."""
    async with desk(database, person, [tools(WRITES), text("Noted.")]) as at:
        turn = await at.ask("Remember the plants")
        assert [row["title"] for row in await at.rows("select title from tasks")] == ["Water the plants"]
    assert turn.types == ["analysis", "tool_call", "tool_result", "text", "done"]
    assert turn.all("analysis")[0]["analysis"]["strategy"] == "tool_use"
    assert "Water the plants" in at.model.requests[1].last_text


async def test_talk_before_tools_gets_a_second_analysis(database: Database, person: Person) -> None:
    """A model that talks and then calls tools in one message is announced twice."""
    async with desk(database, person, [tools(WRITES, text="One moment."), text("Noted.")]) as at:
        turn = await at.ask("Remember the plants")
    assert [event["analysis"]["strategy"] for event in turn.all("analysis")] == ["simple", "tool_use"]
    assert turn.text == "One moment.\n\nNoted."


async def test_a_model_that_refuses_tools_still_answers(database: Database, person: Person) -> None:
    """When a model cannot call tools, it answers without them and the analysis says so."""
    script = rules(when(status(400), offers="create_plan"), when(text("It is noon.")))
    async with desk(database, person, script, limits=QUICK) as at:
        turn = await at.ask("What time is it?")
    assert "refused tool calls" in str(turn.all("analysis")[0]["analysis"]["reasoning"])
    assert (turn.text, turn.run.status) == ("It is noon.", "done")


async def test_a_follow_up_sees_what_was_said_before(database: Database, person: Person) -> None:
    """The next message of a session is asked with the earlier ones in front of it."""
    async with desk(database, person, [text("Blue."), text("You asked for a colour.")]) as at:
        await at.ask("Name a colour")
        await at.ask("What did I ask?")
    assert "Name a colour" in at.model.requests[1].all_text
    assert "Blue." in at.model.requests[1].all_text


# Plans


async def test_executors_read_side_by_side_and_the_planner_writes(database: Database, person: Person) -> None:
    """Steps without dependencies are at work together; the write waits for both and happens once."""
    gate = Gate()
    script = rules(
        when(tools(call("list_tasks", {})).gated(gate), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result", last_role="tool"),
        when(tools(WRITES), says="# Step 3"),
        when(text("Done."), mentions="# Step 3", last_role="tool"),
        when(plan(step(1), step(2), step(3, by="planner", tool="create_task", after=[1, 2])), offers="create_plan"),
        when(text("The plants are on your list.")),
    )
    async with desk(database, person, script) as at:
        working = asyncio.create_task(at.ask("Put my house in order"))
        await at.model.requested(3)
        gate.open()
        turn = await working
        assert [row["title"] for row in await at.rows("select title from tasks")] == ["Water the plants"]
    assert max(turn.places("executor_spawned")) < min(turn.places("executor_result"))
    assert max(turn.places("executor_result")) < next(iter(turn.places("step_start", number=3)))
    assert turn.all("step_complete")[-1]["step"]["status"] == "completed"
    analysis = turn.all("analysis")[0]["analysis"]
    assert (analysis["reasoning"], analysis["estimatedOperations"]) == ("It is large.", 3)
    assert (turn.run.strategy, turn.text) == ("complex", "The plants are on your list.")
    assert_one_end(turn.types)


async def test_a_step_does_not_wait_for_an_unrelated_slower_one(database: Database, person: Person) -> None:
    """Step 3 waits for step 1 only, and ends while step 2 is still at work: there are no waves."""
    slow = Gate()
    script = rules(
        when(submit("slow").gated(slow), offers="submit_result", says="Do part 2."),
        when(submit("late"), offers="submit_result", says="Do part 3."),
        when(submit("soon"), offers="submit_result"),
        when(plan(step(1), step(2), step(3, after=[1])), offers="create_plan"),
        when(text("All three are done.")),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept("Look at three things")
        working = asyncio.create_task(at.finish(run_id))
        await at.heard_of(run_id, "step_complete", number=3)
        assert not (await at.turn(run_id)).places("step_complete", number=2)
        slow.open()
        turn = await working
    assert turn.run.status == "done"


async def test_a_chain_is_run_without_executors(database: Database, person: Person) -> None:
    """A plan whose steps could never run at the same time is the planner's own work."""
    script = rules(
        when(plan(step(1), step(2, after=[1])), offers="create_plan", last_role="user"),
        when(text("Part done."), says="# Step"),
        when(text("Both parts are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("First this, then that")
    assert not turn.all("executor_spawned")
    assert [event["step"]["stepNumber"] for event in turn.all("step_complete")] == [1, 2]
    assert turn.text == "Both parts are done."


async def test_a_broken_plan_is_mended_once(database: Database, person: Person) -> None:
    """A plan that breaks a rule goes back to the model with the reason; the mended one runs."""
    script = rules(
        when(plan(step(1, after=[2]), step(2, after=[1])), plan(step(1), step(2)), offers="create_plan"),
        when(submit(), offers="submit_result"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Look at two things")
    assert "wait for each other" in at.model.requests[1].all_text
    assert at.model.requests[1].offered == ["create_plan"]
    assert (len(turn.all("plan_created")), turn.run.status) == (1, "done")


async def test_a_second_broken_plan_goes_on_with_single_tools(database: Database, person: Person) -> None:
    """After two broken plans the request is handled with tools, visibly, and no step ran."""
    broken = plan(step(1, tool="create_task"), step(2))
    script = rules(
        when(broken, offers="create_plan"), when(tools(WRITES), says="plan"), when(text("I put it on your list."))
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Do two things")
    assert [event["analysis"]["strategy"] for event in turn.all("analysis")] == ["complex", "tool_use"]
    assert "No sound plan" in str(turn.all("analysis")[1]["analysis"]["reasoning"])
    assert not turn.all("plan_created")
    assert (turn.run.status, turn.text) == ("done", "I put it on your list.")


async def test_a_failed_step_skips_what_waits_for_it_and_the_answer_follows(database: Database, person: Person) -> None:
    """Dependants of a failed step are skipped, the plan is marked failed, and the run still ends with an answer."""
    script = rules(
        when(submit("It is not there.", "failed"), offers="submit_result", says="Do part 1."),
        when(submit(), offers="submit_result"),
        when(text("no other way"), says="Some steps of the plan"),
        when(plan(step(1), step(2), step(3, after=[1])), offers="create_plan"),
        when(text("Part 1 could not be done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Look at three things")
        assert [row["status"] for row in await at.rows("select status from agent_plans")] == ["failed"]
    ended = {event["step"]["stepNumber"]: event["step"] for event in turn.all("step_complete")}
    assert [ended[number]["status"] for number in (1, 2, 3)] == ["failed", "completed", "skipped"]
    assert "step 1" in str(ended[3]["error"])
    assert (turn.run.status, turn.text) == ("done", "Part 1 could not be done.")


async def test_another_way_is_a_higher_revision_of_the_plan(database: Database, person: Person) -> None:
    """New steps after a failure are announced as revision 2 and may use completed results."""
    script = rules(
        when(submit("It is not there.", "failed"), offers="submit_result", says="Do part 1."),
        when(plan(step(3, after=[2])), says="Some steps of the plan"),
        when(text("Part 3 done."), says="# Step 3"),
        when(submit("Two found."), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Found in another way.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Look at two things")
    assert [event["plan"]["revision"] for event in turn.all("plan_created")] == [1, 2]
    assert turn.places("step_complete", number=3)
    assert turn.text == "Found in another way."


async def test_a_passing_failure_of_a_step_is_tried_again(database: Database, person: Person) -> None:
    """A step whose model was down for a moment gets a second executor and completes."""
    script = rules(
        when(status(503), offers="submit_result", says="Do part 1.", last_stays=False),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script, limits=replace(QUICK, step_attempts=2)) as at:
        turn = await at.ask("Look at two things")
    assert sorted(event["result"]["success"] for event in turn.all("executor_result")) == [False, True, True]
    assert {event["step"]["status"] for event in turn.all("step_complete")} == {"completed"}


# Executors cannot write


async def test_an_executor_that_asks_for_a_write_changes_nothing(database: Database, person: Person) -> None:
    """A write asked for by an executor is denied at the call, told to the model, and written down."""
    script = rules(
        when(tools(WRITES), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Nothing was written.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Look at two things")
        assert await at.rows("select title from tasks") == []
        assert {row["state"] for row in await at.rows("select state from tool_calls")} == {"denied"}
    assert [event["tool_result"]["success"] for event in turn.all("tool_result")] == [False, False]


# Honest ends


async def test_a_run_ends_with_an_answer_when_no_model_can_write_it(database: Database, person: Person) -> None:
    """When every call of the synthesis fails, the answer is put together from what was found."""
    script = rules(
        when(submit("Seven tasks are open."), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(status(503)),
    )
    async with desk(database, person, script, limits=QUICK) as at:
        turn = await at.ask("Look at two things")
    assert (turn.run.status, turn.types[-1]) == ("done", "done")
    assert turn.text.count("Seven tasks are open.") == 2


async def test_an_answer_that_breaks_off_is_continued_visibly(database: Database, person: Person) -> None:
    """Text that was shown is never asked for again: what is known follows it."""
    broken = text("You have these tasks: one, two, three", deltas=6).disconnect_after(4)
    async with desk(database, person, rules(when(tools(WRITES), last_role="user"), when(broken)), limits=QUICK) as at:
        turn = await at.ask("Remember the plants")
    assert turn.text.startswith("You hav")
    assert "could not be written in full" in turn.text
    assert "Created the task" in turn.text
    assert turn.run.status == "done"


async def test_a_claim_that_no_tool_confirmed_is_corrected(database: Database, person: Person) -> None:
    """An answer that claims a change without a write is followed by what the record says."""
    async with desk(database, person, [text("I have created the task for you.")]) as at:
        turn = await at.ask("Remember the plants")
        stored = await at.rows("select content from chat_messages where role = 'assistant'")
    assert "nothing was changed" in turn.text
    assert stored == [{"content": turn.text}]


async def test_a_failed_write_is_named(database: Database, person: Person) -> None:
    """A write that was refused stands in the answer whether or not the model mentions it."""
    bad = call("update_task", {"task_id": "5c3f1a52-0000-4000-8000-000000000000", "updates": {"status": "done"}})
    async with desk(database, person, [tools(bad), text("All good.")]) as at:
        turn = await at.ask("Finish it")
    assert "Not done: update_task" in turn.text


# What models do wrong


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(Call("create_task", '{"title": "Wat', "c1", 0), id="cut off in the middle"),
        pytest.param(Call("create_task", "[1, 2]", "c1", 0), id="a list"),
        pytest.param(Call("create_task", '"text"', "c1", 0), id="a string"),
        pytest.param(Call("create_task", "", "c1", 0), id="nothing"),
        pytest.param(Call("create_task", "null", "c1", 0), id="null"),
        pytest.param(Call("create_task", '{"title": "a", "title": "b"}', "c1", 0), id="a name twice"),
        pytest.param(Call("create_task", '{"title": "a", "owner": "b"}', "c1", 0), id="an unknown name"),
        pytest.param(Call("Create_Task", '{"title": "a"}', "c1", 0), id="another case"),
        pytest.param(Call("drop_tables", "{}", "c1", 0), id="no such tool"),
        pytest.param(Call("", "{}", "c1", 0), id="no name"),
    ],
)
async def test_a_call_that_is_none_is_answered_and_changes_nothing(
    database: Database, person: Person, wanted: Call
) -> None:
    """A malformed call never runs; the model is told why and the run ends with an answer."""
    async with desk(database, person, [Reply(calls=(wanted,), finish_reason="tool_calls"), text("Sorry.")]) as at:
        turn = await at.ask("Remember the plants")
        assert await at.rows("select title from tasks") == []
    assert [event["tool_result"]["success"] for event in turn.all("tool_result")] == [False]
    assert turn.run.status == "done"
    assert_one_end(turn.types)


async def test_a_call_cut_by_the_length_limit_never_runs(database: Database, person: Person) -> None:
    """A call in an answer that ended for its length may parse as another one, so it is dropped."""
    cut = tools(call("create_task", {"title": "Pay 10"}), finish_reason="length")
    async with desk(database, person, [cut, text("Please say it shorter.")]) as at:
        turn = await at.ask("Remember to pay 1000")
        assert await at.rows("select title from tasks") == []
    assert turn.text == "Please say it shorter."


async def test_two_calls_with_one_id_both_run_once(database: Database, person: Person) -> None:
    """Calls are told apart by their place, not by the id that a model gives them."""
    twice = Reply(
        calls=(Call("create_task", '{"title": "a"}', "same", 0), Call("create_task", '{"title": "b"}', "same", 1)),
        finish_reason="tool_calls",
    )
    async with desk(database, person, [twice, text("Noted.")]) as at:
        await at.ask("Remember both")
        assert [row["title"] for row in await at.rows("select title from tasks order by title")] == ["a", "b"]


async def test_calls_past_the_bound_of_one_answer_are_told_not_to_have_run(database: Database, person: Person) -> None:
    """Of many calls in one answer the first run; the model is told which did not, so that it can ask again."""
    many = tools(*(call("create_task", {"title": f"task {number}"}) for number in range(MAX_CALLS_AT_ONCE + 3)))
    async with desk(database, person, [many, text("The rest follows.")]) as at:
        turn = await at.ask("Remember all of this")
        assert len(await at.rows("select title from tasks")) == MAX_CALLS_AT_ONCE
    assert len(turn.all("tool_call")) == MAX_CALLS_AT_ONCE
    assert at.model.requests[1].all_text.count("too_many_calls") == 3


async def test_text_that_cannot_be_stored_is_replaced_everywhere_alike(database: Database, person: Person) -> None:
    """NUL and lone surrogates in an answer harm nothing: stream, message and next turn show U+FFFD."""
    odd = text("a\x00b\ud800c")
    note = tools(Call("create_note", '{"content": "x\\u0000y\\ud800z"}', "c1", 0))
    async with desk(database, person, [note, odd, text("Still here.")]) as at:
        turn = await at.ask("Say it")
        assert await at.rows("select content from notes") == [{"content": "x\ufffdy\ufffdz"}]
        assert (await at.rows("select content from chat_messages where role = 'assistant'")) == [{"content": turn.text}]
        assert (await at.ask("And now?")).text == "Still here."
    assert turn.text == "a\ufffdb\ufffdc"


async def test_empty_answers_end_in_an_error_and_the_session_goes_on(database: Database, person: Person) -> None:
    """A model that says nothing twice ends the run with a code; the next message works."""
    async with desk(database, person, [text(""), text(""), text("Back again.")]) as at:
        turn = await at.ask("Hello?")
        assert (turn.types, turn.events[-1]["code"]) == (["error"], "model_gave_nothing")
        assert (await at.ask("Hello again?")).text == "Back again."


@pytest.mark.parametrize(
    ("code", "expected"), [(401, "model_misconfigured"), (503, "model_unavailable"), (429, "model_rate_limited")]
)
async def test_a_model_that_is_away_is_an_error_with_its_code(
    database: Database, person: Person, code: int, expected: str
) -> None:
    """Before anything was said, a failing model ends the run with `error`; the session goes on."""
    async with desk(
        database, person, rules(when(status(code), says="Anyone there?"), when(text("Here."))), limits=QUICK
    ) as at:
        turn = await at.ask("Anyone there?")
        assert (turn.run.status, turn.events[-1]["code"]) == ("error", expected)
        assert (await at.ask("And now?")).text == "Here."


async def test_the_same_call_for_ever_ends(database: Database, person: Person) -> None:
    """A model that asks for the same thing again and again is asked for its answer, without tools."""
    script = rules(when(tools(call("list_tasks", {})), offers="list_tasks"), when(text("Nothing is open.")))
    async with desk(database, person, script) as at:
        turn = await at.ask("What is open?")
    assert (turn.text, turn.run.status) == ("Nothing is open.", "done")
    assert len(turn.all("tool_call")) == 3


async def test_a_model_that_never_stops_calling_is_stopped(database: Database, person: Person) -> None:
    """Ever new calls end at the planner's turns, and what is known is said."""

    def endless(request: ChatRequest) -> Reply:
        return tools(call("search_notes", {"query": f"q{len(request.all_text)}"}))

    async with desk(database, person, endless, limits=replace(QUICK, planner_turns=4)) as at:
        turn = await at.ask("Search")
    assert turn.run.status == "done"
    assert len(turn.all("tool_call")) == 3
    assert "could not be written in full" in turn.text


async def test_a_run_past_its_wall_limit_ends(database: Database, person: Person) -> None:
    """A turn that takes too long ends with an error event, and the next one starts."""
    async with desk(database, person, [text("never").stall_after(0)], limits=replace(QUICK, wall_seconds=0.3)) as at:
        turn = await at.ask("Hello")
    assert turn.events[-1]["code"] == "turn_timed_out"


# The record


@pytest.mark.figure
async def test_the_tokens_agree_in_every_place(database: Database, person: Person) -> None:
    """`done`, the messages with the executions and the intents, and the provider's own count are one number."""
    script = rules(
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result"),
        when(tools(WRITES), says="# Step 3"),
        when(text("Done."), mentions="# Step 3", last_role="tool"),
        when(plan(step(1), step(2), step(3, by="planner", tool="create_task", after=[1])), offers="create_plan"),
        when(text("The plants are on your list.", deltas=9)),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Put my house in order")
        [executors] = await at.rows("select sum(tokens_used)::int as n from agent_executions")
        [planner] = await at.rows(
            "select sum(tokens_used)::int as n from agent_chat_messages where sender_type = 'planner'"
        )
        [intents] = await at.rows(
            "select sum(prompt_tokens + completion_tokens)::int as n from model_usage where purpose = 'intents'"
        )
        counted = at.model.usage
    done = turn.events[-1]["usage"]
    told = {"prompt_tokens": counted.prompt, "completion_tokens": counted.completion, "total_tokens": counted.total}
    assert done == told
    ours = executors["n"] + planner["n"] + intents["n"]
    assert ours == counted.total
    print(
        f"tokens: done {done['total_tokens']}, executions + planner messages + intents {ours}, provider {counted.total}"
    )


async def test_the_five_tables_hold_what_happened(database: Database, person: Person) -> None:
    """Agents, plan, conversations, messages and executions tell the run, and their ids are those of the stream."""
    script = rules(
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        turn = await at.ask("Look at two things")
        agents = await at.rows("select id::text, type, permissions, status, available_tools from agents order by type")
        plans = await at.rows("select id::text, status, steps from agent_plans")
        executions = await at.rows(
            "select executor_agent_id::text as id, success, status, tool_calls_made, message_count,"
            " tokens_used > 0 as paid, duration_ms is not null as timed from agent_executions"
        )
        spoken = await at.rows("select model_used from agent_chat_messages where role = 'assistant'")
        conversations = await at.rows(
            "select status, message_count, (select max(position) from agent_chat_messages"
            " where agent_session_id = agent_chat_sessions.id) as last_position from agent_chat_sessions"
        )
    spawned = {event["executorId"] for event in turn.all("executor_spawned")}
    assert (
        {agent["id"] for agent in agents if agent["type"] == "executor"} == spawned == {row["id"] for row in executions}
    )
    assert [(agent["type"], agent["permissions"]) for agent in agents] == [("executor", "read_only")] * 2 + [
        ("planner", "read_write")
    ]
    assert len(agents[-1]["available_tools"]) == 21
    assert {agent["status"] for agent in agents} == {"completed"}
    assert plans[0]["id"] == turn.all("plan_created")[0]["plan"]["id"]
    assert (plans[0]["status"], [each["status"] for each in plans[0]["steps"]]) == (
        "completed",
        ["completed", "completed"],
    )
    assert all(
        (row["success"], row["status"], row["tool_calls_made"], row["message_count"], row["paid"], row["timed"])
        == (True, "completed", 1, 6, True, True)
        for row in executions
    )
    assert {row["model_used"] for row in spoken} == {"deep", "quick"}
    assert {row["status"] for row in conversations} == {"completed"}
    assert all(row["message_count"] == row["last_position"] for row in conversations)


async def test_what_an_executor_cost_is_what_its_rows_come_to(database: Database, person: Person) -> None:
    """Tokens, calls and messages are told as the tables have them, whatever went wrong on the way."""
    script = rules(
        when(tools(call("list_tasks", {}), call("no_such_tool", {})), offers="submit_result", last_role="user"),
        when(text(""), status(500), offers="submit_result", mentions="Do part 1."),
        when(text(""), submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script, limits=QUICK) as at:
        turn = await at.ask("Look at two things")
        rows = await at.rows(
            "select executor_agent_id::text as id, tokens_used, duration_ms, tool_calls_made, message_count,"
            " (select sum(prompt_tokens + completion_tokens)::int from model_usage where agent_id = executor_agent_id)"
            " as tokens, (select count(*)::int from tool_calls where agent_id = executor_agent_id) as calls,"
            " (select count(*)::int from agent_chat_messages m"
            " where m.agent_session_id = e.agent_session_id) as messages from agent_executions e"
        )
    told = {event["executorId"]: event["result"] for event in turn.all("executor_result")}
    assert len(rows) == len(told) == 2
    for row in rows:
        assert (row["tokens_used"], row["tool_calls_made"], row["message_count"]) == (
            row["tokens"],
            row["calls"],
            row["messages"],
        )
        result = told[row["id"]]
        assert (result["tokensUsed"], result["toolCallsMade"], result["durationMs"]) == (
            row["tokens"],
            row["calls"],
            row["duration_ms"],
        )


async def test_the_state_of_the_graph_stays_small(database: Database, person: Person) -> None:
    """A checkpoint holds ids, enums and counters: it does not grow with what was said."""
    async with desk(database, person, [text("word " * 2_000), text("short")]) as at:
        await at.ask("Say a lot")
        await at.ask("Say little")
        checkpoints = await at.rows("select pg_column_size(checkpoint)::int as size from checkpoints")
    assert checkpoints
    assert max(row["size"] for row in checkpoints) < 2_000


# After a crash

EXECUTORS = 2  # at work together, so that many model calls can be in flight when their worker dies


def _without_text(turn: Turn) -> Counter[str]:
    """Count the events of each type that a crash may not add to."""
    return Counter(kind for kind in turn.types if kind != "text")


@pytest.mark.figure
async def test_a_crash_at_any_commit_leaves_each_write_done_once(database: Database, person: Person) -> None:
    """Wherever a worker dies, the next attempt ends the run, no write happens twice and none is lost."""
    script = rules(
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit(), offers="submit_result"),
        when(tools(WRITES, call("create_note", {"content": "n"})), says="# Step 3"),
        when(text("Done."), mentions="# Step 3", last_role="tool"),
        when(
            plan(step(1), step(2), step(3, by="planner", tool=["create_task", "create_note"], after=[1, 2])),
            offers="create_plan",
        ),
        when(text("It is on your list.")),
    )
    async with desk(database, person, script) as at:
        whole = await at.ask("Put my house in order")
        whole_costs, commits = len(at.model.requests), len(at.heard)
        crashed = 0
        for crash_after in range(1, commits):
            at.session_id = None
            run_id = await at.accept("Put my house in order")
            before = len(at.model.requests)
            crashed += await at.crash(run_id, crash_after)
            turn = await at.taken_up(run_id)
            assert turn.run.status == "done", crash_after
            assert_one_end(turn.types)
            assert sum("create_plan" in request.offered for request in at.model.requests[before:]) == 1, crash_after
            assert len(at.model.requests) - before <= whole_costs + EXECUTORS, crash_after
            assert _without_text(turn) == _without_text(whole), crash_after
        [tasks] = await at.rows("select count(*)::int as n from tasks")
        [notes] = await at.rows("select count(*)::int as n from notes")
    assert (tasks["n"], notes["n"]) == (commits, commits)
    assert crashed > commits // 2, "what begins while the plan is being written takes commits of its own, or none"
    print(f"crashes after each of {commits - 1} commits: {tasks['n']} runs, {tasks['n']} tasks, {notes['n']} notes")


async def test_a_crash_at_any_commit_announces_nothing_twice(database: Database, person: Person) -> None:
    """The next attempt knows what was announced, and asks again only what had no stored answer."""
    script = rules(when(tools(WRITES), last_role="user"), when(text("It is on your list.")))
    async with desk(database, person, script) as at:
        whole = await at.ask("Remember the plants")
        for crash_after in range(1, len(at.heard)):
            at.session_id = None
            run_id = await at.accept("Remember the plants")
            before = len(at.model.requests)
            assert await at.crash(run_id, crash_after)
            turn = await at.finish(run_id)
            assert [kind for kind in turn.types if kind != "text"] == [kind for kind in whole.types if kind != "text"]
            assert len(at.model.requests) - before <= 3


async def test_an_executor_goes_on_where_its_worker_died(database: Database, person: Person) -> None:
    """What it was told and what its tools returned is stored: only the call in flight is made again."""
    gate = Gate()
    script = rules(
        when(tools(call("list_tasks", {})), offers="submit_result", last_role="user"),
        when(submit().gated(gate), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept("Look at two things")
        dying = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        await at.model.requested(1 + 2 * EXECUTORS)
        dying.cancel()
        await asyncio.wait([dying])
        gate.open()
        turn = await at.finish(run_id)
        executions = await at.rows("select status, tool_calls_made, message_count from agent_executions")
        [paid] = await at.rows("select sum(tokens_used)::int as n from agent_executions")
        [counted] = await at.rows(
            "select sum(prompt_tokens + completion_tokens)::int as n from model_usage where purpose = 'executor'"
        )
    assert len(at.model.requests) == 1 + 3 * EXECUTORS + 1
    assert len(turn.all("executor_spawned")) == len(turn.all("executor_result")) == EXECUTORS
    assert len(turn.all("tool_call")) == len(turn.all("tool_result")) == EXECUTORS
    assert executions == [{"status": "completed", "tool_calls_made": 1, "message_count": 6}] * EXECUTORS
    assert paid["n"] == counted["n"]
    assert (turn.text, turn.run.status) == ("Both are done.", "done")


async def test_the_results_are_laid_before_the_planner_once(database: Database, person: Person) -> None:
    """An attempt that takes over reads them as the one before knew them, so that they are not told again."""
    gate = Gate()
    found = call("submit_result", {"status": "complete", "summary": "Two.", "data": {"title": "Plants", "due": None}})
    script = rules(
        when(tools(found), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.").gated(gate)),
    )
    async with desk(database, person, script) as at:
        run_id = await at.accept("Look at two things")
        dying = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        await at.model.requested(1 + EXECUTORS + 1)
        dying.cancel()
        await asyncio.wait([dying])
        gate.open()
        turn = await at.finish(run_id)
        told = await at.rows(
            "select content from agent_chat_messages where role = 'user' and position('Plants' in content) > 0"
        )
    assert turn.run.status == "done"
    assert len(told) == 1


async def test_what_was_handed_in_wrongly_is_answered_once(database: Database, person: Person) -> None:
    """Arguments that are no result are sent back; when the executor then fails, nothing is stored twice."""
    wrong = tools(call("submit_result", {"status": "perhaps"}))
    script = rules(
        when(wrong, status(400), offers="submit_result", mentions="Do part 1."),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Half of it is done.")),
    )
    async with desk(database, person, script, limits=QUICK) as at:
        turn = await at.ask("Look at two things")
        answers = await at.rows(
            "select tool_call_id from agent_chat_messages where position(%s in content) > 0", "status:"
        )
    assert {event["result"]["success"] for event in turn.all("executor_result")} == {True, False}
    assert len(answers) == 1


async def test_a_step_that_was_tried_before_a_crash_has_one_try_less(database: Database, person: Person) -> None:
    """Attempts are counted over all workers: a crash gives a failing step no more of them."""
    gate = Gate()
    script = rules(
        when(status(500), status(500).gated(gate), offers="submit_result", mentions="Do part 1."),
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Half of it is done.")),
    )
    async with desk(database, person, script, limits=replace(QUICK, step_attempts=2)) as at:
        run_id = await at.accept("Look at two things")
        dying = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        await gate.reached()
        dying.cancel()
        await asyncio.wait([dying])
        gate.open()
        turn = await at.finish(run_id)
        tried = await at.rows("select status from agent_executions where step_number = 1 order by created_at")
    assert [row["status"] for row in tried] == ["failed", "failed"]
    ended = {event["step"]["stepNumber"]: event["step"]["status"] for event in turn.all("step_complete")}
    assert (ended, turn.text) == ({1: "failed", 2: "completed"}, "Half of it is done.")


async def test_a_crash_between_a_nodes_writes_and_its_checkpoint_is_no_end(database: Database, person: Person) -> None:
    """LangGraph stores what a node wrote before the checkpoint that holds it: the run goes on from there."""
    gate = Gate()
    async with desk(database, person, [tools(WRITES), text("late").gated(gate), text("Noted.")]) as at:
        run_id = await at.accept("Remember the plants")
        dying = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), at.hear))
        await gate.reached()
        dying.cancel()
        await asyncio.wait([dying])
        newest = "delete from checkpoints where checkpoint_id = (select max(checkpoint_id) from checkpoints)"
        assert len(await at.rows(newest + " returning 1")) == 1
        turn = await at.finish(run_id)
    assert (turn.text, turn.run.status) == ("Noted.", "done")


async def test_a_worker_that_lost_its_run_changes_nothing(database: Database, person: Person) -> None:
    """After another attempt took the run, every write of the first is refused, checkpoints included."""
    gate = Gate()
    async with desk(database, person, [text("late").gated(gate), text("soon")]) as at:
        run_id = await at.accept("Hello")
        first = asyncio.create_task(run_turn(at.engine, await at.claim(run_id), lambda _events: None))
        await gate.reached()
        turn = await at.finish(run_id)
        gate.open()
        with pytest.raises(Fenced):
            await first
        assert (await at.turn(run_id)).events == turn.events
    assert turn.text == "soon"
