"""Undoing what a run wrote."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

import httpx
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import JsonValue

from persistence.pools import Database
from persistence.scope import Role
from server.refusals import Refused
from server.undoing import WHY, Undoing, undo_run
from tests.conftest import Person
from tests.run_rows import run_of
from tests.server.reading import refusal
from tests.tools.bench import WORKSPACE, Bench, asked, set_up, writes_that_would_work
from tests.workspace_rows import NOW, Desk, row_in
from tools.consent import Consent, Mode
from tools.registry import Registry
from tools.tool import ToolAnswer

REGISTRY: Final = Registry.build("tests.tools.extension:TOOLS")
LATER: Final = "2026-12-03T10:00"


@dataclass
class Written:
    """A run that wrote, and the workspace that it wrote to."""

    desk: Desk
    bench: Bench
    calls: int = 0

    async def write(self, tool: str, **arguments: JsonValue) -> ToolAnswer:
        """Call a tool that writes, as the run's planner."""
        self.calls += 1
        answer = await self.bench.call(self.bench.planner, asked(tool, f"call {self.calls}", **arguments))
        assert answer.success, answer
        return answer

    async def undone(self) -> Undoing:
        """End the run, if it has not ended, and undo it."""
        if not (await self.bench.office.row(run_of(self.bench.worker))).finished:
            await self.bench.office.finish(self.bench.worker)
        return await undo_run(self.desk.database, self.desk.person.id, run_of(self.bench.worker))

    async def live(self) -> dict[str, list[str]]:
        """Return every row that is not marked as deleted, without when it was last touched."""
        found: dict[str, list[str]] = {}
        query = SQL(
            "select (to_jsonb(t) - 'updated_at')::text from {} as t where not coalesce(to_jsonb(t) ? 'deleted_at'"
            " and to_jsonb(t) ->> 'deleted_at' is not null, false) order by 1"
        )
        async with self.desk.database.acting(Role.EXECUTOR, self.desk.person.identity) as scope:
            for table in WORKSPACE:
                rows = await (await scope.connection.execute(query.format(Identifier(table)))).fetchall()
                found[table] = [str(row[0]) for row in rows]
        return found


@pytest.fixture
async def written(database: Database, person: Person) -> Written:
    """Give a run at work, in an empty workspace."""
    desk = Desk(database, person)
    return Written(desk, replace(await set_up(desk, REGISTRY), consent=Consent(Mode.AUTO, "Delete the event Focus")))


def codes(undoing: Undoing) -> list[tuple[str, str]]:
    """Return which tools' calls are left, and why."""
    return [(left.tool, left.code) for left in undoing.left]


async def test_what_all_nine_tools_wrote_is_taken_back(written: Written) -> None:
    """Made rows are gone, changed ones as they were, a deleted event is back with its link and its task's start."""
    calls = await writes_that_would_work(written.desk)
    before = await written.live()
    for call in calls:
        assert (await written.bench.call(written.bench.planner, call)).success
    assert await written.live() != before
    undoing = await written.undone()
    assert [undone.tool for undone in undoing.undone] == [call.tool for call in reversed(calls)]
    assert undoing.left == []
    assert await written.live() == before
    assert undoing.undone[-1].message == "Created the task “New”."


async def test_a_row_that_was_written_again_and_again_goes_all_the_way_back(written: Written) -> None:
    """Made, changed, scheduled, moved, completed and unscheduled by one run, a task is gone with its event."""
    before = await written.live()
    task = str(row_in((await written.write("create_task", title="Plan")).data, "task")["id"])
    await written.write("update_task", task_id=task, updates={"title": "Plan it", "duration_minutes": 30})
    await written.write("schedule_task", task_id=task, start_time="2026-12-01T10:00", recurrence_pattern="weekly")
    await written.write("update_or_schedule_task", task_id=task, start_time=LATER, force_recreate=True)
    await written.write("update_task", task_id=task, updates={"status": "done"})
    await written.write("update_task", task_id=task, updates={"start_date": None})
    undoing = await written.undone()
    assert (len(undoing.undone), undoing.left) == (6, [])
    assert await written.live() == before


async def test_subtasks_leave_their_project_again(written: Written) -> None:
    """A call that wrote many rows is undone in all of them."""
    project = await written.desk.add_project()
    task = await written.desk.add_task("Parent")
    for title in ("One", "Two"):
        await written.desk.add_task(title, parent_task_id=task)
    before = await written.live()
    await written.write("update_or_schedule_task", task_id=str(task), start_time=LATER, project_id=str(project))
    assert (await written.undone()).left == []
    assert await written.live() == before


async def test_what_was_changed_since_is_left_whole_and_the_rest_undone(written: Written) -> None:
    """One row that differs keeps its whole call, with every row that it wrote; other calls are undone."""
    task = await written.desk.add_task("Plan")
    await written.desk.add_event(task, NOW)
    await written.write("create_note", content="New")
    await written.write("update_task", task_id=str(task), updates={"start_date": LATER})
    await written.desk.change("tasks", str(task), priority="high")
    standing = await written.live()
    undoing = await written.undone()
    assert [undone.tool for undone in undoing.undone] == ["create_note"]
    assert codes(undoing) == [("update_task", "changed")]
    assert undoing.left[0].why == "It was changed again since."
    assert await written.live() == standing | {"notes": []}


async def test_a_later_write_that_is_left_keeps_the_earlier_ones_of_its_row(written: Written) -> None:
    """Nobody's change is overwritten by going back past it."""
    task = str(await written.desk.add_task("Plan"))
    await written.write("update_task", task_id=task, updates={"title": "First"})
    await written.write("update_task", task_id=task, updates={"title": "Second"})
    await written.desk.change("tasks", task, title="Mine")
    assert codes(await written.undone()) == [("update_task", "changed"), ("update_task", "changed")]


async def test_a_row_touched_and_put_back_is_undone(written: Written) -> None:
    """What a row holds counts, not when it was last touched."""
    task = str(await written.desk.add_task("Plan"))
    await written.write("update_task", task_id=task, updates={"title": "New"})
    await written.desk.change("tasks", task, title="Mine")
    await written.desk.change("tasks", task, title="New")
    assert (await written.undone()).left == []


async def test_what_others_rest_on_is_left(written: Written) -> None:
    """A task that the run made and that got a subtask or an event since stays."""
    first, second = [
        str(row_in((await written.write("create_task", title=title)).data, "task")["id"]) for title in ("A", "B")
    ]
    await written.desk.add_task("Sub", parent_task_id=first)
    event = await written.desk.add("calendar_events", summary="Focus", starts_at=NOW, ends_at=NOW)
    await written.desk.add("task_calendar_events", task_id=second, event_id=event)
    assert codes(await written.undone()) == [("create_task", "in_use"), ("create_task", "in_use")]


async def test_what_does_not_fit_any_more_is_left(written: Written) -> None:
    """A task cannot go back into a project that is gone."""
    old, new = [await written.desk.add_project() for _ in range(2)]
    task = await written.desk.add_task(project_id=old)
    await written.write("update_or_schedule_task", task_id=str(task), start_time=LATER, project_id=str(new))
    async with written.desk.database.acting(Role.WORKER, written.desk.person.identity) as scope:
        await scope.execute("delete from projects where id = %s", (old,))
    standing = await written.live()
    assert codes(await written.undone()) == [("update_or_schedule_task", "does_not_fit")]
    assert await written.live() == standing


async def test_a_row_that_is_gone_is_left(written: Written) -> None:
    """A note that somebody deleted cannot be deleted again."""
    await written.write("create_note", content="New")
    async with written.desk.database.acting(Role.WORKER, written.desk.person.identity) as scope:
        await scope.execute("delete from notes")
    assert codes(await written.undone()) == [("create_note", "gone")]


async def test_what_changed_nothing_or_happened_elsewhere_is_left(written: Written) -> None:
    """There is nothing to put back of a call that found everything as asked, nor of a mail that went out."""
    task = str(await written.desk.add_task("Plan"))
    await written.write("update_task", task_id=task, updates={"title": "Plan"})
    await written.write("send_mail", to="a@example.org")
    assert sorted(codes(await written.undone())) == [("send_mail", "elsewhere"), ("update_task", "not_kept")]


async def test_a_call_that_was_refused_is_not_listed(written: Written) -> None:
    """Only what took effect is undone or left."""
    refused = await written.bench.call(
        written.bench.planner, asked("update_task", task_id=str(uuid4()), updates={"title": "x"})
    )
    assert not refused.success
    assert await written.undone() == Undoing([], [])


async def test_a_run_is_undone_once(written: Written) -> None:
    """Undone again, it says that it was; a row that was made once more by then stays."""
    await written.write("create_note", content="New")
    assert len((await written.undone()).undone) == 1
    await written.desk.add("notes", content="New")
    again = await written.undone()
    assert (again.undone, codes(again)) == ([], [("create_note", "already_undone")])
    assert len((await written.live())["notes"]) == 1


@pytest.mark.figure
async def test_of_many_undoings_at_once_each_call_is_undone_by_one(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten at once undo each call exactly once between them, and the workspace is as it was."""
    calls = await writes_that_would_work(written.desk)
    before = await written.live()
    for call in calls:
        await written.bench.call(written.bench.planner, call)
    await written.bench.office.finish(written.bench.worker)
    undoings = await asyncio.gather(*(written.undone() for _ in range(10)))
    undone = Counter(call.call_id for undoing in undoings for call in undoing.undone)
    left = Counter(call.code for undoing in undoings for call in undoing.left)
    with capsys.disabled():
        print(f"10 undoings of {len(calls)} writes at once: {undone.total()} undone, {left.total()} left")
    assert undone == dict.fromkeys(undone, 1)
    assert await written.live() == before
    assert len(undone) == len(calls)


async def test_the_trace_says_what_was_undone(client: httpx.AsyncClient, written: Written) -> None:
    """Over HTTP, the answer names the calls, and the run's trace has when."""
    await written.write("create_note", content="New")
    await written.bench.office.finish(written.bench.worker)
    path = f"/api/agent/runs/{run_of(written.bench.worker)}"
    answer = await client.post(f"{path}/undo")
    [call] = answer.json()["undone"]
    assert (answer.status_code, call["tool"], answer.json()["left"]) == (200, "create_note", [])
    assert [undo["call_id"] for undo in (await client.get(path)).json()["undos"]] == [call["call_id"]]


async def test_only_ones_own_run_that_has_ended_is_undone(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, written: Written
) -> None:
    """A run at work is refused; another's is not there, and what it wrote stays."""
    await written.write("create_note", content="New")
    path = f"/api/agent/runs/{run_of(written.bench.worker)}/undo"
    assert refusal(await client.post(path)) == (409, "run_not_finished")
    await written.bench.office.finish(written.bench.worker)
    assert refusal(await strangers_client.post(path)) == (404, "not_found")
    assert len((await written.live())["notes"]) == 1


async def test_nobody_undoes_for_another(written: Written, stranger: Person) -> None:
    """Below HTTP too: row security hides the run and its changes."""
    await written.write("create_note", content="New")
    await written.bench.office.finish(written.bench.worker)
    with pytest.raises(Refused):
        await undo_run(written.desk.database, stranger.id, run_of(written.bench.worker))


def test_every_reason_is_a_sentence() -> None:
    """Nobody is left with a code alone."""
    assert all(why.endswith(".") for why in WHY.values())
