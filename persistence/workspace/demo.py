"""The demo workspace: something believable to ask about, around whatever day it is."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, count, islice
from typing import Final, LiteralString
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from persistence.scope import Scope
from persistence.workspace.demo_words import Task, Workspace, read

SATURDAY: Final = 5
OLDEST_TASK_DAYS: Final = 30
HOURS_BETWEEN_TASKS: Final = 17  # forty of them fill the days since the oldest

Row = dict[str, object]


async def is_seeded(scope: Scope) -> bool:
    """Say whether the person has the demo workspace, or what is left of it."""
    slugs = [project.slug for project in read().projects]
    return bool(await scope.value(bool, "select exists (select from projects where slug = any(%s))", (slugs,)))


async def seed(scope: Scope, now: datetime, zone: ZoneInfo) -> None:
    """Store the demo workspace around `now`, once: a second time changes nothing.

    The same moment and zone give the same workspace, ids apart. As the worker
    role. Of two at once the second waits at the first project's slug, and finds
    it taken.
    """
    if await is_seeded(scope):
        return
    user_id = await scope.value(UUID, "select current_user_id()")
    assert user_id is not None, "a scope has a user"
    rows = _Rows(read(), user_id, now, zone)
    if not await _insert(scope, INSERT_PROJECTS, rows.projects()):
        return
    await _insert(scope, INSERT_TASKS, rows.tasks())
    await _insert(scope, INSERT_PHASES, rows.phases())
    await _insert(scope, INSERT_PHASE_TASKS, rows.phase_tasks())
    await _insert(scope, INSERT_NOTES, rows.notes())
    await _insert(scope, INSERT_BRAIN_DUMPS, rows.brain_dumps())
    await _insert(scope, INSERT_EVENTS, chain(rows.events(), rows.task_events()))
    await _insert(scope, INSERT_LINKS, rows.links())


@dataclass(frozen=True, slots=True)
class _Placed:
    """A task and where it stands."""

    task: Task
    project: str | None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """The workspace as rows of one person's tables."""

    workspace: Workspace
    user_id: UUID
    now: datetime
    zone: ZoneInfo

    def projects(self) -> Iterator[Row]:
        """Yield the projects; the first is the one that changed last."""
        for index, project in enumerate(self.workspace.projects):
            words: Row = project.model_dump(exclude={"start", "end", "phases"})
            yield words | {
                "id": self._id("project", project.slug),
                "start_date": self._today() + timedelta(days=project.start),
                "end_date": self._today() + timedelta(days=project.end),
                "created_at": self.now + timedelta(days=project.start),
                "updated_at": self.now - timedelta(hours=5 * index + 1),
            }

    def tasks(self) -> Iterator[Row]:
        """Yield the tasks, a parent before its subtasks."""
        for index, placed in enumerate(self._placed()):
            yield self._task(placed) | self._written(
                timedelta(days=OLDEST_TASK_DAYS) - timedelta(hours=HOURS_BETWEEN_TASKS * index)
            )

    def phases(self) -> Iterator[Row]:
        """Yield the phases of each project, in order."""
        for project in self.workspace.projects:
            for position, phase in enumerate(project.phases):
                yield {
                    "id": self._id("phase", project.slug, phase.name),
                    "project_id": self._id("project", project.slug),
                    "name": phase.name,
                    "description": phase.description,
                    "position": position,
                }

    def phase_tasks(self) -> Iterator[Row]:
        """Yield which tasks are in which phase, in order."""
        for project in self.workspace.projects:
            for phase in project.phases:
                for position, task in enumerate(phase.tasks):
                    yield {
                        "phase_id": self._id("phase", project.slug, phase.name),
                        "task_id": self._id("task", task.title),
                        "position": position,
                    }

    def notes(self) -> Iterator[Row]:
        """Yield the notes, one every other day, the first the newest."""
        for index, note in enumerate(self.workspace.notes):
            yield note.model_dump() | self._in_project(note.project) | self._written(timedelta(days=2 * index + 1))

    def brain_dumps(self) -> Iterator[Row]:
        """Yield the brain dumps, one every third day, the first the newest."""
        for index, dump in enumerate(self.workspace.brain_dumps):
            yield dump.model_dump() | self._in_project(dump.project) | self._written(timedelta(days=3 * index + 1))

    def events(self) -> Iterator[Row]:
        """Yield the events that stand for no task."""
        for index, event in enumerate(self.workspace.events):
            starts_at = self._at(event.day, event.at)
            last = _working_day(self._today(), event.day) + timedelta(days=event.days)
            yield {
                "id": self._id("event", str(index)),
                "summary": event.summary,
                "description": event.description,
                "starts_at": starts_at,
                "ends_at": self._local(last, time()) if event.days else starts_at + timedelta(minutes=event.minutes),
                "all_day": event.days > 0,
                "time_zone": self.zone.key,
                "recurrence": event.recurrence,
            }

    def task_events(self) -> Iterator[Row]:
        """Yield the events of tasks that stand in the calendar."""
        for task in self._in_calendar():
            starts_at = self._start(task)
            assert starts_at is not None, "a task in the calendar has a day"
            yield {
                "id": self._id("event of task", task.title),
                "summary": task.title,
                "description": task.description,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(minutes=task.minutes),
                "all_day": False,
                "time_zone": self.zone.key,
                "recurrence": task.recurring,
            }

    def links(self) -> Iterator[Row]:
        """Yield the links between tasks and their events."""
        for task in self._in_calendar():
            yield {"task_id": self._id("task", task.title), "event_id": self._id("event of task", task.title)}

    def _task(self, placed: _Placed) -> Row:
        task, start = placed.task, self._start(placed.task)
        completed_at = start + timedelta(minutes=task.minutes) if task.status == "done" and start else None
        return self._in_project(placed.project) | {
            "id": self._id("task", task.title),
            "parent_task_id": None if placed.parent is None else self._id("task", placed.parent),
            "title": task.title,
            "description": task.description,
            "details": task.details,
            "status": task.status,
            "priority": task.priority,
            "task_type": "one_off" if task.recurring is None else "recurring",
            "recurrence_pattern": task.recurring,
            "start_date": start,
            "duration_minutes": task.minutes,
            "dependencies": [self._id("task", title) for title in task.waits_for],
            "completed_at": completed_at,
        }

    def _placed(self) -> Iterator[_Placed]:
        for project in self.workspace.projects:
            for phase in project.phases:
                for task in phase.tasks:
                    yield _Placed(task, project.slug)
                    yield from (_Placed(part, project.slug, task.title) for part in task.subtasks)
        yield from (_Placed(task, None) for task in self.workspace.tasks)

    def _in_calendar(self) -> Iterator[Task]:
        return (placed.task for placed in self._placed() if placed.task.event)

    def _start(self, task: Task) -> datetime | None:
        return None if task.day is None else self._at(task.day, task.at)

    def _at(self, working_day: int, time_of_day: time) -> datetime:
        return self._local(_working_day(self._today(), working_day), time_of_day)

    def _local(self, day: date, time_of_day: time) -> datetime:
        return datetime.combine(day, time_of_day, self.zone).astimezone(UTC)

    def _today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def _written(self, ago: timedelta) -> Row:
        return {"created_at": self.now - ago, "updated_at": self.now - ago}

    def _in_project(self, slug: str | None) -> Row:
        return {"project_id": None if slug is None else self._id("project", slug)}

    def _id(self, *name: str) -> UUID:
        return uuid5(self.user_id, ": ".join(name))


def _working_day(today: date, offset: int) -> date:
    """Return a day from Monday to Friday, counted from today."""
    step, skipped = (1, offset) if offset >= 0 else (-1, -offset)
    days = (today + timedelta(days=step * n) for n in count(0 if offset >= 0 else 1))
    working_days = (day for day in days if day.weekday() < SATURDAY)
    return next(islice(working_days, skipped if offset >= 0 else skipped - 1, None))


async def _insert(scope: Scope, statement: LiteralString, rows: Iterable[Row]) -> int:
    """Insert all rows of a table with one statement; return how many there were to insert."""
    return await scope.execute(statement, (json.dumps(list(rows), default=str),))


INSERT_PROJECTS: Final = """
    insert into projects (
        id, name, slug, status, description, executive_summary, context, start_date, end_date, tags,
        calendar_color_id, core_integrity_ideals, core_people_bonds, core_goals_momentum,
        core_meaning_identity, core_reality_understanding, core_trust_safeguards, core_opportunity_freedom,
        core_power_resources, core_harmony_integration, created_at, updated_at)
    select
        id, name, slug, status, description, executive_summary, context, start_date, end_date, tags,
        calendar_color_id, core_integrity_ideals, core_people_bonds, core_goals_momentum,
        core_meaning_identity, core_reality_understanding, core_trust_safeguards, core_opportunity_freedom,
        core_power_resources, core_harmony_integration, created_at, updated_at
    from json_populate_recordset(null::projects, %s)
    on conflict (user_id, slug) do nothing
"""
INSERT_TASKS: Final = """
    insert into tasks (
        id, project_id, parent_task_id, title, description, details, status, priority, task_type, start_date,
        duration_minutes, recurrence_pattern, dependencies, completed_at, created_at, updated_at)
    select
        id, project_id, parent_task_id, title, description, details, status, priority, task_type, start_date,
        duration_minutes, recurrence_pattern, dependencies, completed_at, created_at, updated_at
    from json_populate_recordset(null::tasks, %s)
"""
INSERT_PHASES: Final = """
    insert into phases (id, project_id, name, description, position)
    select id, project_id, name, description, position from json_populate_recordset(null::phases, %s)
"""
INSERT_PHASE_TASKS: Final = """
    insert into phase_tasks (phase_id, task_id, position)
    select phase_id, task_id, position from json_populate_recordset(null::phase_tasks, %s)
"""
INSERT_NOTES: Final = """
    insert into notes (project_id, title, content, category, tags, created_at, updated_at)
    select project_id, title, content, category, tags, created_at, updated_at
    from json_populate_recordset(null::notes, %s)
"""
INSERT_BRAIN_DUMPS: Final = """
    insert into brain_dumps (project_id, title, content, ai_summary, status, created_at, updated_at)
    select project_id, title, content, ai_summary, status, created_at, updated_at
    from json_populate_recordset(null::brain_dumps, %s)
"""
INSERT_EVENTS: Final = """
    insert into calendar_events (id, summary, description, starts_at, ends_at, all_day, time_zone, recurrence)
    select id, summary, description, starts_at, ends_at, all_day, time_zone, recurrence
    from json_populate_recordset(null::calendar_events, %s)
"""
INSERT_LINKS: Final = """
    insert into task_calendar_events (task_id, event_id)
    select task_id, event_id from json_populate_recordset(null::task_calendar_events, %s)
"""
