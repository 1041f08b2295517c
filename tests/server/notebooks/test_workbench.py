"""Planwright in a notebook."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError
from typing_extensions import override

from graph.offline.model import OfflineModel
from graph.offline.reading import Asked
from graph.offline.thinking import Reply
from persistence.runs.ledger import CallState
from persistence.scope import Identity, Role
from server.client import calls
from server.client.clients import AsyncClient
from server.client.sending import Approvals, Branch, Question
from server.notebooks.live import watched
from server.notebooks.recorded import Recorded
from server.notebooks.workbench import Workbench, workbench
from server.refusals import Refused
from tests.conftest import Person
from tests.displayed import assert_harmless, displayed
from tools.errors import ToolsRefused
from tools.tool import Access, Args, Caller, Tool, ToolAnswer, answered

WRITING = "Create a task: Water the plants"
PLANNING = Question("Help me organize my project tasks for next week")


class Greet(Args):
    """Say hello."""


async def greet(args: Greet, caller: Caller) -> ToolAnswer:
    """Say it."""
    return answered("Hello from a tool.")


TOOLS = [Tool(name="greet", args=Greet, run=greet, access=Access.READ)]


class Polite(OfflineModel):
    """The offline model, which greets."""

    @override
    def reply(self, asked: Asked) -> Reply:
        return Reply(f"{asked.request}? Good day.")


async def tasks_of(bench: Workbench) -> list[str]:
    """Return the titles of the tasks there are."""
    async with bench.planwright.database.acting(Role.API, Identity(bench.user_id)) as scope:
        cursor = await scope.connection.execute("select title from tasks order by created_at")
        return [str(title) for (title,) in await cursor.fetchall()]


async def test_a_run_comes_back_with_everything(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ask` returns when the run has ended; what is recorded and what LangGraph kept is there, and shows itself."""
    run = await bench.ask(PLANNING)
    assert run.status == "done"
    assert run.bundle.trace.plan is not None
    assert [row[2] for row in run.history().rows] == [
        "end", "finish", "synthesise", "run_plan", "make_plan", "decide", "load_context",
    ]  # fmt: skip
    assert run.kept[0].values["run_id"] == str(run.id)
    for thing in (run, run.history(), run.plan(), run.timeline(), run.usage(), run.tools(), bench.tools()):
        assert_harmless(displayed(thing, monkeypatch))


async def test_the_history_is_the_runs_own(bench: Workbench) -> None:
    """A second run of a session has the checkpoints of the second run."""
    first = await bench.ask("What is overdue?")
    second = await bench.ask(Question("And today?", session_id=first.bundle.session.id))
    assert second.bundle.session.id == first.bundle.session.id
    for run in (await bench.load(first.id), second):
        assert len(run.kept) == len(first.kept)
        assert {kept.values["run_id"] for kept in run.kept} == {str(run.id)}
    assert int(second.history().rows[-1][0]) > int(first.history().rows[0][0])


async def test_a_replay_says_the_same_and_does_nothing(bench: Workbench) -> None:
    """The diff of a run and its replay is empty, and there is one task, not two."""
    run = await bench.ask(WRITING)
    again = await run.replay()
    assert again.bundle.trace.run.replay_of == run.id
    assert run.diff(again).tables[-1].title == "The answers are the same"
    assert await tasks_of(bench) == ["Water the plants"]


async def test_a_fork_only_tries_its_writes_out(bench: Workbench) -> None:
    """With another message nothing is written, unless the fork is to be live."""
    run = await bench.ask(WRITING)
    dry = await run.fork(message="Create a task: Feed the cat")
    assert [call.state for call in dry.bundle.trace.tool_calls] == [CallState.DRY]
    assert await tasks_of(bench) == ["Water the plants"]
    live = await run.fork(message="Create a task: Feed the cat", live=True)
    assert [call.state for call in live.bundle.trace.tool_calls] == [CallState.APPLIED]
    assert await tasks_of(bench) == ["Water the plants", "Feed the cat"]


async def test_a_fork_does_a_step_in_other_words(bench: Workbench) -> None:
    """The step says what it was told to say; the diff names it, and only it."""
    run = await bench.ask(PLANNING)
    words = "List the open tasks that are blocked"
    other = await run.fork(from_step=1, words=words)
    steps = run.diff(other).tables[1]
    assert [row[0] for row in steps.rows if row[1] == "no"] == ["1"]
    assert steps.rows[0][-1].endswith(f"→ {words}")


async def test_a_run_that_waits_is_decided_on(bench: Workbench) -> None:
    """`ask` returns a run that waits; a decision lets it go on, once."""
    run = await bench.ask(Question(WRITING, approvals=Approvals.ASK))
    assert run.status == "waiting"
    assert await tasks_of(bench) == []
    decided = await run.decide(approve=True, note="Do.")
    assert decided.status == "done"
    assert await tasks_of(bench) == ["Water the plants"]
    with pytest.raises(Refused, match="Another decision"):
        await run.decide(approve=False)
    with pytest.raises(Refused, match="does not wait"):
        await (await bench.ask("Hello")).decide(approve=True)


async def test_what_cannot_be_made_is_refused(bench: Workbench) -> None:
    """A step that the plan does not have, words without a step, a run that is not there."""
    run = await bench.ask("Hello")
    with pytest.raises(Refused, match="no such step"):
        await run.fork(from_step=99)
    with pytest.raises((Refused, ValidationError)):
        await run.fork(words="Without a step")
    with pytest.raises(Refused, match="nothing here"):
        await bench.load(uuid4())


async def test_a_strangers_run_is_not_there(bench: Workbench, stranger: Person) -> None:
    """Neither to be looked at, nor to be replayed or forked."""
    run = await bench.ask("Hello")
    theirs = Workbench(bench.planwright, stranger.id, AsyncExitStack())
    for reaching in (theirs.load(run.id), theirs.replay(run.id), theirs.fork(run.id, Branch(message="Hello"))):
        with pytest.raises(Refused, match="nothing here"):
            await reaching


async def test_a_run_over_http_is_the_same_run(bench: Workbench) -> None:
    """What the client reads from the served workbench is what the workbench has, and is followed in the same way."""
    served = await bench.serve()
    async with AsyncClient(served.address, served.token) as client:
        view = await watched(client.stream("Hello"))
        assert view.run_id is not None
        loaded = Recorded(await client.call(calls.bundle(view.run_id)))
    here = await bench.load(view.run_id)
    assert view.answer == loaded.answer == here.answer
    assert replace(loaded.bundle, exported_at=here.bundle.exported_at) == here.bundle
    assert served.token not in repr(served)


@pytest.fixture
def left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Give what says which temporary folders are there; they are made where `nobody` can get in."""
    folder = tempfile.mkdtemp(prefix="planwright-tests-")
    Path(folder).chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    yield lambda: [path.name for path in Path(folder).iterdir()]
    shutil.rmtree(folder)


async def test_one_line_opens_an_installation_for_the_moment(
    left_behind: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the demo workspace, and the model and tools it was given whatever the environment says; nothing stays."""
    monkeypatch.setenv("PLANWRIGHT_MODEL_BASE_URL", "http://model.invalid/v1")
    monkeypatch.setenv("PLANWRIGHT_PLANNER_MODEL", "nobody")
    async with workbench(model=Polite(), tools=f"{__name__}:TOOLS") as bench:
        run = await bench.ask("Hello there")
        assert run.answer == "Hello there? Good day."
        assert [call.model for call in run.bundle.trace.model_calls] == ["planwright-offline"]
        assert ("greet", "read", "Say hello.") in bench.tools().rows
        assert len(await tasks_of(bench)) > 10
        assert left_behind()
    assert left_behind() == []


def test_a_notebook_that_is_left_open_leaves_nothing(left_behind: Callable[[], list[str]]) -> None:
    """When a kernel ends that closed none, of two that the same cell opened, their servers and folders go with it."""
    program = (
        "import asyncio\nfrom server.notebooks.workbench import workbench\n"
        "async def leave_open():\n"
        "    for _ in range(2): await (await workbench()).ask('Hello')\n"
        "asyncio.new_event_loop().run_until_complete(leave_open())"
    )
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert left_behind() == []
    at_work = subprocess.run(["ps", "-axo", "command"], capture_output=True, text=True, check=True).stdout
    assert tempfile.gettempdir() not in at_work


async def test_what_cannot_be_opened_leaves_nothing(left_behind: Callable[[], list[str]]) -> None:
    """A tool that is not there is told of, and the folder is removed again."""
    with pytest.raises(ToolsRefused):
        await workbench(tools=f"{__name__}:NONE")
    assert left_behind() == []
