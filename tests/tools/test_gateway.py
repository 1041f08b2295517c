"""The gateway: who may call what, and what the ledger says of it afterwards."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from persistence.errors import CancelRequested, Fenced
from persistence.runs import runs
from persistence.scope import Role
from tests.run_rows import run_of
from tests.tools import extension
from tests.tools.bench import Bench, asked, set_up, writes_that_would_work
from tests.workspace_rows import Desk, Json
from tools.arguments import MAX_ARGUMENT_CHARS, validated
from tools.consent import Consent, Mode
from tools.errors import AwaitsPerson, MayNotWrite, ToolError
from tools.gateway import MAX_NAME_CHARS, Asked, Holder
from tools.outcomes import MAX_RESULT_CHARS
from tools.registry import Registry
from tools.tool import Access, AnyTool, Args, Caller, Effect, Harm, Tool, ToolAnswer, answer_text, answered, refused

REGISTRY: Final = Registry.build("tests.tools.extension:TOOLS")
SHORT_SECONDS: Final = 0.05


class Nothing(Args):
    """Take nothing."""


@pytest.fixture
async def bench(desk: Desk) -> Bench:
    """Give a run with the built-in tools and an operator's."""
    return await set_up(desk, REGISTRY)


async def bench_with(desk: Desk, *tools: AnyTool) -> Bench:
    """Give a run with exactly these tools."""
    return await set_up(desk, Registry.of(tools))


def tool(run: Callable[[Nothing, Caller], Awaitable[ToolAnswer]], effect: Effect = Effect.LOCAL) -> Tool[Nothing]:
    """Return a tool that writes."""
    return Tool(name="act", args=Nothing, run=run, effect=effect)


def spellings(name: str) -> list[str]:
    """Return a tool's name as a model that wants past the gateway might write it."""
    return [name, name.upper(), name.title(), f" {name}", f"{name} ", f"functions.{name}", f"{name}\n", f"{name}\x00"]


async def outcomes(bench: Bench, holder: Holder, calls: list[Asked]) -> list[str | None]:
    """Return the code of each call's answer."""
    return [(await bench.call(holder, call)).code for call in calls]


@pytest.mark.figure
async def test_an_executor_never_writes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Each write tool is refused to an executor at the gateway, and by the database when there is no gateway."""
    calls = await writes_that_would_work(bench.desk)
    before = await bench.workspace()
    at_gateway = await outcomes(bench, bench.executor, calls)
    denied = [state for _, state, _ in await bench.states()]
    at_database = [await refused_by_database(bench, call) for call in calls]
    with capsys.disabled():
        print(
            f"executor writes refused: gateway {at_gateway.count('write_denied')} of {len(calls)},"
            f" database without the gateway {at_database.count(True)} of {len(calls)}"
        )
    assert {call.tool for call in calls} == set(Registry.build().writing())
    assert len(calls) == 9
    assert at_gateway == ["write_denied"] * 9
    assert denied == ["denied"] * 9
    assert at_database == [True] * 9
    assert await bench.workspace() == before


async def refused_by_database(bench: Bench, call: Asked) -> bool:
    """Run a write tool itself, in a transaction of the executor's role."""
    chosen = bench.registry.tools[call.tool]
    try:
        async with bench.desk.database.acting(Role.EXECUTOR, bench.desk.person.identity) as scope:
            caller = replace(bench.desk.reader(), write_scope=scope)
            await chosen.run(validated(chosen, call.arguments), caller)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return True
    return False


async def test_the_same_writes_work_for_a_planner(bench: Bench) -> None:
    """The nine calls that an executor is refused take effect when the planner makes them and the person agrees."""
    calls = await writes_that_would_work(bench.desk)
    bench = replace(bench, consent=Consent(Mode.AUTO, "Please delete the event “Focus”."))
    before = await bench.workspace()
    assert await outcomes(bench, bench.planner, calls) == [None] * 9
    assert [state for _, state, _ in await bench.states()] == ["applied"] * 9
    assert await bench.workspace() != before


async def test_holding_a_tool_is_not_leave_to_write(bench: Bench) -> None:
    """An executor whose set of tools names a write tool, by whatever mistake, is refused all the same."""
    calls = await writes_that_would_work(bench.desk)
    before = await bench.workspace()
    holder = replace(bench.executor, tools=frozenset(bench.registry.names()))
    assert await outcomes(bench, holder, calls) == ["write_denied"] * 9
    assert await bench.workspace() == before


async def test_no_spelling_of_a_name_gets_past(bench: Bench) -> None:
    """Another case, a blank, a prefix or an unprintable character names no tool."""
    names = [spelling for name in Registry.build().writing() for spelling in spellings(name)]
    before = await bench.workspace()
    calls = [Asked(f"call {place}", name, "{}") for place, name in enumerate(names)]
    codes = await outcomes(bench, bench.executor, calls)
    assert set(codes) == {"unknown_tool", "write_denied"}
    assert codes.count("write_denied") == 9
    assert {state for _, state, _ in await bench.states()} == {"denied"}
    assert await bench.workspace() == before


async def test_an_executors_caller_holds_no_way_to_write(bench: Bench) -> None:
    """A tool that says it reads and tries to write finds nothing to write with."""
    liar = Tool(name="act", args=extension.Nothing, run=extension.write_without_leave, access=Access.READ)
    bench = replace(bench, registry=Registry.of([liar]))
    await bench.desk.add("notes", content="kept")
    answer = await bench.call(replace(bench.executor, tools=frozenset({"act"})), asked("act"))
    assert answer.code == MayNotWrite.code
    assert await bench.desk.count("notes") == 1


@pytest.mark.parametrize(
    ("held", "name", "code"),
    [
        pytest.param(frozenset({"list_tasks"}), "search_notes", "tool_not_offered", id="it was not given"),
        pytest.param(frozenset({"list_tasks"}), "launch_rocket", "unknown_tool", id="there is none"),
        pytest.param(
            frozenset({"launch_rocket"}), "launch_rocket", "unknown_tool", id="it was given and there is none"
        ),
        pytest.param(frozenset[str](), "list_tasks", "tool_not_offered", id="it was given nothing"),
    ],
)
async def test_an_agent_calls_what_it_was_given(bench: Bench, held: frozenset[str], name: str, code: str) -> None:
    """Asked for another tool, the gateway says which there are, and the ledger that it was denied."""
    answer = await bench.call(replace(bench.executor, tools=held), asked(name))
    assert answer.code == code
    assert ", ".join(sorted(held)) in answer.message
    assert await bench.states() == [(name, "denied", code)]
    assert bench.notebook.lines == [f"{name} called", code]


@pytest.mark.parametrize(
    "raw", ["", "null", "[]", '{"title": "T', '{"title": "a", "title": "b"}', '{"title": NaN}', "x" * 10**6]
)
async def test_arguments_that_cannot_be_read_run_nothing(bench: Bench, raw: str) -> None:
    """The call fails with a sentence for the model; ledger and log keep the text, as much as may be."""
    answer = await bench.call(bench.planner, Asked("k", "create_task", raw))
    assert answer.code == "invalid_arguments"
    assert await bench.states() == [("create_task", "failed", "invalid_arguments")]
    assert await bench.desk.count("tasks") == 0
    kept = (await bench.rows())[0].arguments
    assert bench.notebook.arguments == [kept]
    assert kept == raw or (len(kept) == MAX_ARGUMENT_CHARS and kept.endswith("x…"))


@pytest.mark.parametrize("bad", ["\x00", "\ud800", "\\u0000", "\\ud800"])
async def test_unstorable_text_harms_nothing(bench: Bench, bad: str) -> None:
    """A NUL or a lone surrogate in a name or an argument, raw or escaped, is replaced and the run goes on."""
    named = await bench.call(bench.planner, Asked("a", f"no{bad}tool", "{}"))
    written = await bench.call(bench.planner, Asked("b", "create_note", f'{{"content": "a{bad}b"}}'))
    assert (named.code, written.code) == ("unknown_tool", None)
    async with bench.office.asking() as scope:
        assert await scope.value(str, "select content from notes") == "a\ufffdb"


async def test_a_name_without_end_is_cut(bench: Bench) -> None:
    """What is kept of a name that no tool has is a hundred characters."""
    answer = await bench.call(bench.planner, Asked("a", "x" * 100_000, "{}"))
    assert [len(row.tool) for row in await bench.rows()] == [MAX_NAME_CHARS]
    assert len(answer.message) < 2_000


async def test_the_same_call_twice_runs_once(bench: Bench) -> None:
    """The second time the answer comes from the ledger, and nothing is told again."""
    call = asked("create_note", content="once")
    first, second = await bench.call(bench.planner, call), await bench.call(bench.planner, call)
    assert first == second
    assert await bench.desk.count("notes") == 1
    assert bench.notebook.lines == ["create_note called", "done"]


async def test_the_same_call_many_times_at_once_runs_once(bench: Bench) -> None:
    """Asked for the same call side by side, the gateway writes once and answers all alike."""
    gateway, call = bench.gateway(), asked("create_note", content="once")
    answers = await asyncio.gather(*(gateway.call(bench.planner, call) for _ in range(8)))
    assert answers == [answers[0]] * 8
    assert await bench.desk.count("notes") == 1
    assert bench.notebook.lines == ["create_note called", "done"]


async def test_equal_calls_at_different_places_both_run(bench: Bench) -> None:
    """Two calls with one content are two wishes: the key is the place in the run."""
    for key in ("a", "b"):
        await bench.call(bench.planner, asked("create_note", key, content="twice"))
    assert await bench.desk.count("notes") == 2


async def test_a_refusal_is_replayed_as_well(bench: Bench) -> None:
    """An answer that refused is the same the second time, code and words."""
    call = asked("update_task", task_id=str(run_of(bench.worker)), updates={"title": "T"})
    first = await bench.call(bench.planner, call)
    assert first.code is not None
    assert await bench.call(bench.planner, call) == first
    assert await bench.states() == [("update_task", "failed", first.code)]


async def add_note_and_raise(error: Exception, caller: Caller) -> ToolAnswer:
    """Write, then fail."""
    await caller.writing().execute("insert into notes (content) values ('half done')")
    raise error


class Foreseen(ToolError):
    """What a tool foresaw."""

    code = "foreseen"


async def test_a_write_that_is_refused_half_way_leaves_nothing(desk: Desk) -> None:
    """What a tool wrote before it refused is undone; the ledger says that it failed."""

    async def act(_args: Nothing, caller: Caller) -> ToolAnswer:
        await caller.writing().execute("insert into notes (content) values ('half done')")
        return refused("Not after all.")

    bench = await bench_with(desk, tool(act))
    assert (await bench.call(bench.planner, asked("act"))).code == "refused"
    assert await bench.states() == [("act", "failed", "refused")]
    assert await desk.count("notes") == 0


async def test_a_write_that_raises_what_it_foresaw_leaves_nothing(desk: Desk) -> None:
    """A tool's own error is an answer, and what it wrote before is undone."""
    bench = await bench_with(desk, tool(lambda _args, caller: add_note_and_raise(Foreseen("No."), caller)))
    assert (await bench.call(bench.planner, asked("act"))).message == "No."
    assert await bench.states() == [("act", "failed", "foreseen")]
    assert await desk.count("notes") == 0


async def test_a_write_that_breaks_leaves_nothing(desk: Desk) -> None:
    """An error that nobody foresaw travels, after the ledger says that the call failed and what it wrote is undone."""
    bench = await bench_with(desk, tool(lambda _args, caller: add_note_and_raise(KeyError("a bug"), caller)))
    with pytest.raises(KeyError):
        await bench.call(bench.planner, asked("act"))
    assert await bench.states() == [("act", "failed", "tool_crashed")]
    assert bench.notebook.lines == ["act called", "tool_crashed"]
    assert await desk.count("notes") == 0


async def test_values_that_the_database_refuses_leave_nothing(desk: Desk) -> None:
    """A statement that breaks a check is an answer, what was written before it is undone."""

    async def act(_args: Nothing, caller: Caller) -> ToolAnswer:
        await caller.writing().execute("insert into notes (content) values ('half done')")
        await caller.writing().execute("insert into tasks (title) values ('')")
        return answered("Done.")

    bench = await bench_with(desk, tool(act))
    assert (await bench.call(bench.planner, asked("act"))).code == "values_refused"
    assert await bench.states() == [("act", "failed", "values_refused")]
    assert await desk.count("notes") == 0


async def test_values_refused_while_reading_are_an_answer(desk: Desk) -> None:
    """A reading tool whose statement fails on its values does not end the run."""

    async def act(_args: Nothing, caller: Caller) -> ToolAnswer:
        async with caller.reading() as scope:
            await scope.execute("select 1 / (select count(*) from notes)")
        return answered("Read.")

    bench = await bench_with(desk, Tool(name="act", args=Nothing, run=act, access=Access.READ))
    assert (await bench.call(bench.planner, asked("act"))).code == "values_refused"


async def sleep_in_database(_args: Nothing, caller: Caller) -> ToolAnswer:
    """Write, then take too long over a statement."""
    await caller.writing().execute("insert into notes (content) values ('half done')")
    await caller.writing().execute("select pg_sleep(30)")
    return answered("Slept.")


async def test_a_write_that_takes_too_long_leaves_nothing(desk: Desk) -> None:
    """A write past the time of a call is stopped and undone, and the next call works on a sound connection."""
    bench = await bench_with(desk, tool(sleep_in_database))
    answer = await bench.gateway(call_timeout_seconds=SHORT_SECONDS).call(bench.planner, asked("act"))
    assert answer.code == "tool_timeout"
    assert await bench.states() == [("act", "failed", "tool_timeout")]
    assert await desk.count("notes") == 0


async def test_a_statement_of_a_write_that_takes_too_long_leaves_nothing(desk: Desk) -> None:
    """A statement past its own limit is an answer too."""

    async def act(args: Nothing, caller: Caller) -> ToolAnswer:
        await caller.writing().execute("set local statement_timeout = 20")
        return await sleep_in_database(args, caller)

    bench = await bench_with(desk, tool(act))
    assert (await bench.call(bench.planner, asked("act"))).code == "tool_timeout"
    assert await bench.states() == [("act", "failed", "tool_timeout")]
    assert await desk.count("notes") == 0


async def test_a_crash_before_the_effect_is_made_good(bench: Bench) -> None:
    """A write that was frozen and no more takes effect exactly once, by the attempt that takes over."""
    call = asked("create_note", content="once")
    await bench.freeze(bench.planner, call)
    later = await bench.next_attempt()
    answers = [await later.call(bench.planner, call) for _ in range(2)]
    assert [answer.code for answer in answers] == [None, None]
    assert await bench.desk.count("notes") == 1
    assert await bench.states() == [("create_note", "applied", None)]


async def test_a_crash_after_the_effect_does_not_repeat_it(bench: Bench) -> None:
    """A write that took effect is answered from the ledger by the attempt that takes over."""
    call = asked("create_note", content="once")
    first = await bench.call(bench.planner, call)
    later = await bench.next_attempt()
    assert await later.call(bench.planner, call) == first
    assert await bench.desk.count("notes") == 1
    assert later.notebook.lines == ["create_note called", "done"]


@pytest.mark.parametrize("name", ["create_note", "no_such_tool"])
async def test_whether_anything_but_reads_was_asked_for_is_known(bench: Bench, name: str) -> None:
    """Also of a call that was refused, and of one that a gateway with another journal was asked for."""
    gateway = bench.gateway()
    await gateway.call(bench.planner, asked("list_tasks"))
    assert not gateway.has_writes
    assert (await gateway.telling(bench.notebook).call(bench.executor, asked(name, key="b"))).code is not None
    assert gateway.has_writes


async def test_an_attempt_that_lost_its_run_writes_nothing(bench: Bench) -> None:
    """A worker that wakes up after another took its run can neither call, nor settle, nor take effect."""
    call = asked("create_note", content="late")
    await bench.freeze(bench.planner, call)
    later = await bench.next_attempt()
    for holder in (bench.planner, bench.executor):
        with pytest.raises(Fenced):
            await bench.call(holder, call)
    assert await bench.desk.count("notes") == 0
    assert [state for _, state, _ in await later.states()] == ["intent"]


async def test_an_effect_elsewhere_is_not_repeated_blindly(bench: Bench) -> None:
    """An operator's write that an earlier attempt began is unknown: it is said so, and it does not run."""
    extension.called.clear()
    call = asked("send_mail", to="a@example.org")
    await bench.freeze(bench.planner, call)
    await bench.start(call)
    later = await bench.next_attempt()
    for _ in range(2):
        with pytest.raises(AwaitsPerson):
            await later.call(bench.planner, call)
    assert extension.called == []
    assert later.notebook.lines == ["send_mail called", "outcome_unknown"]
    assert await bench.states() == [("send_mail", "unknown", "outcome_unknown")]


async def test_an_effect_elsewhere_that_never_began_is_no_riddle(bench: Bench) -> None:
    """An operator's write that was only frozen when its worker died runs: it cannot have had its effect."""
    extension.called.clear()
    call = asked("send_mail", to="a@example.org")
    await bench.freeze(bench.planner, call)
    assert (await (await bench.next_attempt()).call(bench.planner, call)).success
    assert extension.called == ["a@example.org"]


async def test_an_effect_elsewhere_happens_once(bench: Bench) -> None:
    """An operator's write that ended is answered from the ledger ever after."""
    extension.called.clear()
    call = asked("send_mail", to="a@example.org")
    first = await bench.call(bench.planner, call)
    assert await (await bench.next_attempt()).call(bench.planner, call) == first
    assert extension.called == ["a@example.org"]


@pytest.mark.parametrize("frozen_before", [True, False])
async def test_a_run_that_is_to_be_stopped_begins_no_call(bench: Bench, *, frozen_before: bool) -> None:
    """Behind the acknowledgement no read, write or effect elsewhere begins; what ended before is still answered."""
    extension.called.clear()
    ended = asked("create_note", "ended", content="before")
    first = await bench.call(bench.planner, ended)
    calls = [
        asked("list_tasks", "a read"),
        asked("create_note", "a write", content="late"),
        asked("send_mail", "a mail", to="a@example.org"),
    ]
    for call in calls if frozen_before else []:
        await bench.freeze(bench.planner, call)
    async with bench.office.asking() as scope:
        assert await runs.request_cancel(scope, run_of(bench.worker))
    for call in calls:
        with pytest.raises(CancelRequested):
            await bench.call(bench.planner, call)
    assert await bench.call(bench.planner, ended) == first
    assert (await bench.desk.count("notes"), extension.called) == (1, [])
    assert len(await bench.rows()) == (4 if frozen_before else 1)


async def never_ends(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Wait for what does not come."""
    await asyncio.Event().wait()
    return answered("Never.")


async def test_an_effect_elsewhere_that_takes_too_long_is_unknown(desk: Desk) -> None:
    """Outside our transaction a stopped write may have taken effect: nobody claims that it failed."""
    bench = await bench_with(desk, tool(never_ends, Effect.EXTERNAL))
    with pytest.raises(AwaitsPerson):
        await bench.gateway(call_timeout_seconds=SHORT_SECONDS).call(bench.planner, asked("act"))
    assert await bench.states() == [("act", "unknown", "outcome_unknown")]


async def test_a_reading_tool_that_takes_too_long_is_stopped(desk: Desk) -> None:
    """A read past the time of a call is an answer."""
    bench = await bench_with(desk, Tool(name="act", args=Nothing, run=never_ends, access=Access.READ))
    answer = await bench.gateway(call_timeout_seconds=SHORT_SECONDS).call(bench.planner, asked("act"))
    assert answer.code == "tool_timeout"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("crash", "tool_crashed"),
        ("answer_nonsense", "tool_crashed"),
        ("answer_unsendable", "tool_crashed"),
        ("write_without_leave", "write_denied"),
    ],
)
async def test_an_operators_tool_that_breaks_does_not_end_the_run(desk: Desk, name: str, code: str) -> None:
    """The failure of code that is not ours is an answer that tells nothing of its inside."""
    bench = await set_up(desk, Registry.build("tests.tools.extension:CRASHING"))
    answer = await bench.call(bench.planner, asked(name))
    assert answer.code == code
    assert "secret" not in str(answer)
    assert (await bench.call(bench.planner, asked("list_tasks", "next"))).success


async def test_an_operators_write_that_breaks_waits_for_a_person(desk: Desk) -> None:
    """Whether code that broke had its effect before is not known here: it is said so, and a person decides."""
    bench = await set_up(desk, Registry.build("tests.tools.extension:CRASHING"))
    with pytest.raises(AwaitsPerson):
        await bench.call(bench.planner, asked("crash_writing"))
    assert await bench.states() == [("crash_writing", "unknown", "outcome_unknown")]


async def test_no_write_gets_past_a_person_who_wants_to_be_asked(bench: Bench) -> None:
    """In `ask`, each write is frozen and does not run, however often it is tried; in `auto`, the destructive one."""
    calls = await writes_that_would_work(bench.desk)
    before = await bench.workspace()
    for mode, expected in ((Mode.ASK, 9), (Mode.AUTO, 1)):
        gateway = replace(bench, consent=Consent(mode, "Tidy up")).gateway()
        held = [await gateway.held(bench.planner, call) for call in calls]
        assert len([call_id for call_id in held if call_id is not None]) == expected
        for call in (call for call, call_id in zip(calls, held, strict=True) if call_id is not None):
            with pytest.raises(AwaitsPerson):
                await gateway.call(bench.planner, call)
    assert await bench.workspace() == before
    assert [state for _, state, _ in await bench.states()] == ["intent"] * 9


async def test_what_only_reads_or_cannot_run_is_not_held(bench: Bench) -> None:
    """Nobody is asked about a read, a call that is none, or a call that its agent may not make."""
    gateway = replace(bench, consent=Consent(Mode.ASK, "")).gateway()
    reads, none, unknown = asked("list_tasks"), asked("create_task", owner="Eva"), asked("launch_rocket")
    assert [await gateway.held(bench.planner, call) for call in (reads, none, unknown)] == [None] * 3
    assert await gateway.held(bench.executor, asked("create_note", content="x")) is None
    assert await bench.states() == []


def deletes(_args: extension.SendMail) -> Harm:
    """Say of every mail that it deletes something."""
    return Harm.DELETES


async def test_a_tool_that_names_its_harm_waits_everywhere(desk: Desk) -> None:
    """An operator's destructive tool waits in `auto` too: no message can order what has no name here."""
    harmful = replace(extension.SEND, harm=deletes)
    bench = replace(await bench_with(desk, harmful), consent=Consent(Mode.AUTO, "Delete send_mail"))
    with pytest.raises(AwaitsPerson):
        await bench.call(bench.planner, asked("send_mail", to="a@example.org"))


async def test_a_run_makes_so_many_calls(bench: Bench) -> None:
    """Past its budget a run's calls are denied; replays of earlier ones still answer."""
    gateway = bench.gateway(budget=3)
    calls = [asked("create_note", f"call {number}", content="n") for number in range(5)]
    codes = [(await gateway.call(bench.planner, call)).code for call in calls]
    assert codes == [None, None, None, "budget_exhausted", "budget_exhausted"]
    assert await bench.desk.count("notes") == 3
    assert (await gateway.call(bench.planner, calls[0])).success


def deep(levels: int) -> Json:
    """Return data of so many levels."""
    data: Json = {}
    for _ in range(levels):
        data = {"inside": data}
    return data


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        pytest.param({"text": "x" * 100_000}, "{}", id="too large"),
        pytest.param(deep(300), "{}", id="nested too deep"),
        pytest.param(deep(12), None, id="nested deeper than arguments may be"),
        pytest.param({"number": float("nan")}, '{"number": null}', id="not a number"),
        pytest.param({"a\x00": "\ud800"}, '{"a\ufffd": "\ufffd"}', id="unstorable text"),
        pytest.param({"error": "of the data"}, '{"error": "of the data"}', id="a name that refusals have"),
    ],
)
async def test_every_result_can_be_stored_and_replayed(desk: Desk, data: Json, kept: str | None) -> None:
    """What cannot be kept of a result is left out and said so; a replay answers the same as the call."""

    async def act(_args: Nothing, _caller: Caller) -> ToolAnswer:
        return ToolAnswer("Here.", data)

    bench = await bench_with(desk, Tool(name="act", args=Nothing, run=act, access=Access.READ))
    first = await bench.call(bench.planner, asked("act"))
    assert await bench.call(bench.planner, asked("act")) == first
    assert first.data == (data if kept is None else json.loads(kept))
    assert first.message == "Here." or (first.data == {} and "too " in first.message)


async def test_a_message_without_end_is_cut(desk: Desk) -> None:
    """However long a tool's answer, what a model reads of it has an end."""

    async def act(_args: Nothing, _caller: Caller) -> ToolAnswer:
        return answered("x" * 1_000_000, text="y" * 1_000_000)

    bench = await bench_with(desk, Tool(name="act", args=Nothing, run=act, access=Access.READ))
    assert len(answer_text(await bench.call(bench.planner, asked("act")))) < MAX_RESULT_CHARS


async def test_what_is_told_is_what_is_stored(bench: Bench) -> None:
    """A call is told once it stands in the ledger, its outcome once it is settled there."""
    await bench.call(bench.planner, asked("create_note", "a", content="n"))
    await bench.call(bench.executor, asked("create_note", "b", content="n"))
    assert bench.notebook.lines == ["create_note called", "done", "create_note called", "write_denied"]
    rows = await bench.rows()
    assert set(bench.notebook.pairs) == {(row.agent_id, row.id) for row in rows}
    assert [(row.step_number, row.agent_id) for row in rows] == [
        (None, bench.planner.agent_id),
        (1, bench.executor.agent_id),
    ]
