"""`/api/workspace`: what the tools read, as a person may look at it. Nothing is changed here."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from persistence.place import Place
from persistence.scope import Identity, Role
from persistence.workspace import brain_dumps, calendar, notes, projects, tasks
from persistence.workspace.brain_dumps import BrainDump, PagedBrainDump
from persistence.workspace.calendar import Event
from persistence.workspace.notes import Note, PagedNote
from persistence.workspace.projects import PagedProject, Project
from persistence.workspace.tasks import PagedTask, Task
from server.auth import SignedIn
from server.bodies import Id
from server.columns import columns_of
from server.dependencies import TheServer
from server.openapi import refusing
from server.paging import Search, ThePage
from server.refusals import Refused
from tools.agenda import Entry, entries, entry_of
from tools.spans import Span

WINDOW_USUAL: Final = timedelta(days=7)
WINDOW_MAX: Final = timedelta(days=62)  # two months: a calendar sheet, with days of the months around it
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)  # as the tables have it
LATEST: Final = datetime(2200, 12, 31, tzinfo=UTC)
OCCURRENCES_MAX: Final = 500

router: Final = APIRouter(prefix="/api/workspace", tags=["workspace"])

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """A page of projects, the one last changed first; `next` goes on behind it."""

    items: list[PagedProject]
    next: str | None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A page of tasks, newest first; `next` goes on behind it."""

    items: list[PagedTask]
    next: str | None


@dataclass(frozen=True, slots=True)
class NotePage:
    """A page of notes, newest first; `next` goes on behind it."""

    items: list[PagedNote]
    next: str | None


@dataclass(frozen=True, slots=True)
class BrainDumpPage:
    """A page of brain dumps, newest first; `next` goes on behind it."""

    items: list[PagedBrainDump]
    next: str | None


@dataclass(frozen=True, slots=True)
class CalendarEntry(Event):
    """One occurrence of an event, with its own beginning and end."""


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """What touches a time, earliest first."""

    items: list[CalendarEntry]
    has_more: bool


@router.get("/projects")
async def listed_projects(planwright: TheServer, user_id: SignedIn, page: ThePage, search: Search = "") -> ProjectPage:
    """List projects, the one last changed first."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await projects.page(scope, search, page.after, page.rows)
    return ProjectPage(page.shown(found), page.next(found, lambda project: Place(project.updated_at, project.id)))


@router.get("/projects/{project_id}")
async def project(planwright: TheServer, user_id: SignedIn, project_id: Id) -> Project:
    """Return one whole project."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return await _there(projects.find(scope, project_id))


@router.get("/tasks")
async def listed_tasks(planwright: TheServer, user_id: SignedIn, page: ThePage, search: Search = "") -> TaskPage:
    """List tasks, newest first."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await tasks.page(scope, search, page.after, page.rows)
    return TaskPage(page.shown(found), page.next(found, lambda task: Place(task.created_at, task.id)))


@router.get("/tasks/{task_id}")
async def task(planwright: TheServer, user_id: SignedIn, task_id: Id) -> Task:
    """Return one whole task."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return await _there(tasks.find(scope, task_id))


@router.get("/notes")
async def listed_notes(planwright: TheServer, user_id: SignedIn, page: ThePage, search: Search = "") -> NotePage:
    """List notes, newest first."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await notes.page(scope, search, page.after, page.rows)
    return NotePage(page.shown(found), page.next(found, lambda note: Place(note.created_at, note.id)))


@router.get("/notes/{note_id}")
async def note(planwright: TheServer, user_id: SignedIn, note_id: Id) -> Note:
    """Return one whole note."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return await _there(notes.find(scope, note_id))


@router.get("/brain_dumps")
async def listed_brain_dumps(
    planwright: TheServer, user_id: SignedIn, page: ThePage, search: Search = ""
) -> BrainDumpPage:
    """List brain dumps, newest first."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await brain_dumps.page(scope, search, page.after, page.rows)
    return BrainDumpPage(page.shown(found), page.next(found, lambda dump: Place(dump.created_at, dump.id)))


@router.get("/brain_dumps/{brain_dump_id}")
async def brain_dump(planwright: TheServer, user_id: SignedIn, brain_dump_id: Id) -> BrainDump:
    """Return one whole brain dump."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return await _there(brain_dumps.find(scope, brain_dump_id))


@router.get("/calendar", responses=refusing("bad_window"))
async def calendar_window(
    planwright: TheServer,
    user_id: SignedIn,
    since: Annotated[AwareDatetime | None, Query(description="Now, unless said otherwise")] = None,
    until: Annotated[AwareDatetime | None, Query(description="A week later, unless said otherwise")] = None,
) -> CalendarWindow:
    """List what touches a time, at most 62 days long, earliest first; of more than 500 occurrences the first 500."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        found = await entries(scope, _window(since, until), OCCURRENCES_MAX + 1)
    return CalendarWindow([_occurrence(entry) for entry in found[:OCCURRENCES_MAX]], len(found) > OCCURRENCES_MAX)


@router.get("/calendar/{event_id}")
async def event(planwright: TheServer, user_id: SignedIn, event_id: Id) -> CalendarEntry:
    """Return one event; of a series its first occurrence."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return _occurrence(entry_of(await _there(calendar.find(scope, event_id))))


def _window(since: datetime | None, until: datetime | None) -> Span:
    start = since or datetime.now(UTC)
    if not EARLIEST <= start <= LATEST:
        raise Refused("bad_window")
    end = until or start + WINDOW_USUAL
    if not start <= end <= start + WINDOW_MAX:
        raise Refused("bad_window")
    return Span(start, end)


def _occurrence(entry: Entry) -> CalendarEntry:
    return CalendarEntry(**columns_of(replace(entry.event, starts_at=entry.span.start, ends_at=entry.span.end)))


async def _there(found: Awaitable[Found | None]) -> Found:
    row = await found
    if row is None:
        raise Refused("not_found")
    return row
