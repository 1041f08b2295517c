"""The questions asked of the `tasks` table."""

import asyncio
from dataclasses import replace

from persistence.scope import Role
from persistence.workspace import tasks
from tests.workspace_rows import NOW, Desk


async def test_a_list_knows_how_many_tasks_fit(desk: Desk) -> None:
    """Each listed task carries the number of all that fit, shown or not."""
    for number in range(3):
        await desk.add_task(f"t{number}")
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        listed = await tasks.listed(scope, tasks.Wanted(), "created_at", limit=2)
    assert [task.matching for task in listed] == [3, 3]


async def test_subtasks_are_the_live_tasks_of_a_parent(desk: Desk) -> None:
    """A list can be of one parent's tasks."""
    parent = await desk.add_task("parent")
    child = await desk.add_task("child", parent_task_id=parent)
    await desk.add_task("gone", parent_task_id=parent, deleted_at=NOW)
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        listed = await tasks.listed(scope, tasks.Wanted(parent_task_id=parent), "priority", limit=9)
    assert [task.id for task in listed] == [child]


async def test_two_changes_at_once_are_both_kept(desk: Desk) -> None:
    """Who changes a task waits for whoever is changing it, and then sees what that one wrote."""
    task_id = await desk.add_task("old")
    first_holds = asyncio.Event()

    async def rename() -> None:
        async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
            task = await tasks.find_to_change(scope, task_id)
            assert task is not None
            first_holds.set()
            await tasks.save(scope, replace(task, title="new"))

    async def describe() -> None:
        await first_holds.wait()
        async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
            task = await tasks.find_to_change(scope, task_id)
            assert task is not None
            await tasks.save(scope, replace(task, details="more"))

    await asyncio.gather(rename(), describe())
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        task = await tasks.find(scope, task_id)
    assert task is not None
    assert (task.title, task.details) == ("new", "more")


async def test_a_removed_link_or_event_is_no_event(desk: Desk) -> None:
    """A task's event is the one of its live link, as long as the event lives."""
    without_link = await desk.add_task()
    without_event = await desk.add_task()
    event = await desk.add("calendar_events", summary="x", starts_at=NOW, ends_at=NOW)
    deleted = await desk.add("calendar_events", summary="y", starts_at=NOW, ends_at=NOW, deleted_at=NOW)
    await desk.add("task_calendar_events", task_id=without_link, event_id=event, deleted_at=NOW)
    await desk.add("task_calendar_events", task_id=without_event, event_id=deleted)
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        assert await tasks.linked_event(scope, without_link) is None
        assert await tasks.linked_event(scope, without_event) is None
