"""The workspace's rows as tools return them, read leniently: what is missing is empty, never an error."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from persistence.text import shortened

Row: TypeAlias = dict[str, JsonValue]

UNTITLED: Final = "(untitled)"
OPENING_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class Task:
    """A task; `start` is the person's local time without an offset."""

    id: str
    title: str
    status: str
    priority: str
    project: str
    start: datetime | None
    minutes: int

    @property
    def is_open(self) -> bool:
        """Whether something is left to do."""
        return self.status != "done"

    @property
    def has_time(self) -> bool:
        """Whether it starts at a time of day; midnight stands for the day alone."""
        return self.start is not None and (self.start.hour, self.start.minute) != (0, 0)

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it was to start on a day before today and is not done."""
        return self.is_open and self.start is not None and self.start.date() < now.date()


@dataclass(frozen=True, slots=True)
class Event:
    """A calendar event, in local time; `task` is its task's title and `repeats` its pattern, if any."""

    id: str
    summary: str
    start: datetime
    end: datetime
    all_day: bool
    task: str
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Free time from one local moment to another."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """How long it is."""
        return int((self.end - self.start).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Project:
    """A project with how many of its tasks are done."""

    id: str
    name: str
    status: str
    description: str
    done: int
    total: int
    end_date: str

    @property
    def percent(self) -> int:
        """The share that is done, rounded down."""
        return 100 * self.done // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class Text:
    """A note or a brain dump; `body` is all of it or how it begins."""

    id: str
    title: str
    body: str
    summary: str
    project: str
    created: datetime | None


def rows_in(data: Row, *names: str) -> list[Row]:
    """Return the objects of the first list that stands under one of the names."""
    for name in names:
        if isinstance(found := data.get(name), list):
            return [row for row in found if isinstance(row, dict)]
    return []


def row_in(data: Row, *names: str) -> Row:
    """Return the object that stands under one of the names; the data itself when none does."""
    for name in names:
        if isinstance(found := data.get(name), dict):
            return found
    return data


def text_of(row: Row, *names: str) -> str:
    """Return the first text that stands under one of the names, or an empty one."""
    return next((value for name in names if isinstance(value := row.get(name), str) and value), "")


def number_of(row: Row, *names: str) -> int:
    """Return the first whole number that stands under one of the names, or 0."""
    found = (row.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), 0)


def total_of(data: Row, shown: int) -> int:
    """Return how many rows there are in all, at least those shown."""
    return max(number_of(data, "total"), shown)


def local(text: str, zone: ZoneInfo) -> datetime | None:
    """Return an ISO time as local time without an offset, None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def tasks_in(data: Row, zone: ZoneInfo) -> list[Task]:
    """Return the tasks of a list."""
    return [task_of(row, zone) for row in rows_in(data, "tasks")]


def task_of(row: Row, zone: ZoneInfo) -> Task:
    """Return one task."""
    return Task(
        id=text_of(row, "id", "task_id"),
        title=text_of(row, "title") or UNTITLED,
        status=text_of(row, "status") or "backlog",
        priority=text_of(row, "priority") or "medium",
        project=text_of(row, "project_name") or text_of(row_in(row, "project"), "name"),
        start=local(text_of(row, "start_date"), zone),
        minutes=number_of(row, "duration_minutes") or 60,
    )


def events_in(data: Row, zone: ZoneInfo) -> list[Event]:
    """Return the events of a list that have a start, earliest first."""
    found = [event for row in rows_in(data, "events") if (event := event_of(row, zone)) is not None]
    return sorted(found, key=lambda event: (event.start, event.summary))


def event_of(row: Row, zone: ZoneInfo) -> Event | None:
    """Return one event, None when it has no start."""
    start = local(text_of(row, "start_time", "starts_at", "start"), zone)
    if start is None:
        return None
    task = row.get("task") or row.get("linked_task")
    return Event(
        id=text_of(row, "event_id", "id"),
        summary=text_of(row, "summary", "title") or UNTITLED,
        start=start,
        end=local(text_of(row, "end_time", "ends_at", "end"), zone) or start + timedelta(hours=1),
        all_day=row.get("all_day") is True,
        task=text_of(task, "title") if isinstance(task, dict) else text_of(row, "task_title"),
        repeats=text_of(row, "recurrence"),
    )


def slots_in(data: Row, zone: ZoneInfo) -> list[Span]:
    """Return the free slots of a list, earliest first."""
    found = [
        Span(start, end)
        for row in rows_in(data, "slots", "available_slots", "free")
        if (start := local(text_of(row, "start_time", "starts_at", "start"), zone)) is not None
        and (end := local(text_of(row, "end_time", "ends_at", "end"), zone)) is not None
    ]
    return sorted(found, key=lambda span: (span.start, span.end))


def projects_in(data: Row) -> list[Project]:
    """Return the projects of a list."""
    return [project_of(row) for row in rows_in(data, "projects")]


def project_of(row: Row) -> Project:
    """Return one project."""
    counts = row_in(row, "task_counts")
    return Project(
        id=text_of(row, "id", "project_id"),
        name=text_of(row, "name") or UNTITLED,
        status=text_of(row, "status") or "active",
        description=text_of(row, "executive_summary", "description"),
        done=number_of(counts, "done"),
        total=number_of(counts, "total"),
        end_date=text_of(row, "end_date"),
    )


def texts_in(data: Row, zone: ZoneInfo) -> list[Text]:
    """Return the notes or the brain dumps of a list."""
    return [text_row(row, zone) for row in rows_in(data, "notes", "brain_dumps", "dumps")]


def text_row(row: Row, zone: ZoneInfo) -> Text:
    """Return one note or brain dump; one without a title is called by how it begins."""
    body = text_of(row, "content", "preview")
    opening = shortened(body.strip().split("\n")[0], OPENING_CHARS)
    return Text(
        id=text_of(row, "id"),
        title=text_of(row, "title") or opening or UNTITLED,
        body=body,
        summary=text_of(row, "summary", "ai_summary"),
        project=text_of(row, "project_name") or text_of(row_in(row, "project"), "name"),
        created=local(text_of(row, "created_at"), zone),
    )
