"""An executor's work: which calls a step's description asks for, and what is handed in of their results.

Later prompts show at most 4,000 characters of a result, so rows are handed in
without what is empty or usual, the first ones first, with the number left out.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from graph.offline.asking_calendar import DEFAULT_MINUTES, WORKING_HOURS, between, merged
from graph.offline.looking_up import OPEN
from graph.offline.reading import Clock
from graph.offline.rows import Row, local, row_in, rows_in, slots_in, task_of, text_of
from graph.offline.script import Call, Result, Script
from persistence.text import shortened

MAX_DATA_CHARS: Final = 3_500
MAX_SUMMARY_CHARS: Final = 300
NOTHING_FOUND: Final = "Nothing was found."
MAX_TEXT_CHARS: Final = 600
MAX_SLOT_CALLS: Final = 7
SATURDAY: Final = 5

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?!\w|-)")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USUAL: Final[Mapping[str, JsonValue]] = MappingProxyType(
    {"status": "backlog", "priority": "medium", "duration_minutes": 60, "all_day": False}
)
_KEPT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "tasks": ("id", "title", "status", "priority", "project_name", "start_date", "duration_minutes"),
        "events": ("summary", "start_time", "end_time", "all_day", "task"),
        "slots": ("start_time", "end_time"),
        "projects": ("id", "name", "status", "task_counts", "end_date"),
        "phases": ("name", "task_counts"),
        "notes": ("title", "preview", "created_at"),
        "brain_dumps": ("title", "summary", "preview", "created_at"),
    }
)
_KEPT_OF_PROJECT: Final = (
    "id",
    "name",
    "status",
    "description",
    "executive_summary",
    "end_date",
    "task_counts",
)


@dataclass(frozen=True, slots=True)
class Submission:
    """What an executor hands in."""

    status: str
    summary: str
    data: Row
    open_questions: tuple[str, ...] = ()

    def as_arguments(self) -> dict[str, JsonValue]:
        """Return the arguments of `submit_result`."""
        arguments: dict[str, JsonValue] = {"status": self.status, "summary": self.summary, "data": self.data}
        if self.open_questions:
            arguments["open_questions"] = [*self.open_questions]
        return arguments


def execute(task: str, offered: frozenset[str], clock: Clock) -> Script[Submission]:
    """Read what a step's description asks for, and hand it in."""
    calls = calls_of(task, sorted(offered), clock)
    if not calls:
        return Submission("failed", "This step does not say what to read.", {}, ("Which rows are wanted?",))
    results = yield calls
    return handed_in(task, results, clock)


def calls_of(task: str, tools: Sequence[str], clock: Clock) -> tuple[Call, ...]:
    """Return the calls that a step's description asks for, with the tools it may use."""
    return tuple(
        Call(tool, arguments) for tool in tools if tool in _ARGUMENTS for arguments in _ARGUMENTS[tool](task, clock)
    )


def handed_in(task: str, results: Sequence[Result], clock: Clock) -> Submission:
    """Return the rows of the results, short enough for a later prompt."""
    failures = [result.message for result in results if result.error is not None]
    good = [result.data for result in results if result.error is None]
    if not good:
        return Submission(
            "failed", shortened("; ".join(failures), MAX_SUMMARY_CHARS) or NOTHING_FOUND, {}, tuple(failures[:3])
        )
    data = _short(_joined(good), task, clock)
    summary = shortened(f"{_counts(data)} {_names(data)}".strip(), MAX_SUMMARY_CHARS) or NOTHING_FOUND
    return Submission("partial" if failures else "complete", summary, _fitting(data), tuple(failures[:3]))


def _joined(answers: Sequence[Row]) -> Row:
    """Return several answers as one: lists of one name are put together."""
    joined: Row = {}
    for answer in answers:
        for name, value in answer.items():
            before = joined.get(name)
            joined[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value
    return joined


def _short(data: Row, task: str, clock: Clock) -> Row:
    """Return only what a plan can need of the data."""
    short: Row = {}
    if isinstance(project := data.get("project"), dict):
        short["project"] = _fields(project, _KEPT_OF_PROJECT)
    for name, kept in _KEPT.items():
        if isinstance(data.get(name), list):
            rows = _wanted_rows(name, rows_in(data, name), task, clock)
            short[name] = [_fields(row, kept) for row in rows]
    return short


def _wanted_rows(name: str, rows: list[Row], task: str, clock: Clock) -> list[Row]:
    """Return the rows that the description is about, the most important first; neighbouring slots become one."""
    if name == "slots":
        return [
            {"start_time": span.start.isoformat(), "end_time": span.end.isoformat()}
            for span in merged(slots_in({"slots": [*rows]}, clock.zone))
        ]
    rows = [_in_local_time(row, clock) for row in rows]
    return [row for row in rows if _is_about(row, task, clock)] if name == "tasks" else rows


def _in_local_time(row: Row, clock: Clock) -> Row:
    """Return a row whose times are local, to the minute: shorter, and the prompt's own clock."""
    short = dict(row)
    for name in ("start_date", "start_time", "end_time"):
        value = row.get(name)
        if isinstance(value, str) and "T" in value and (at := local(value, clock.zone)) is not None:
            short[name] = at.isoformat(timespec="minutes")
    return short


def _is_about(row: Row, task: str, clock: Clock) -> bool:
    """Say whether a task is one of those that a description asks for by their date."""
    asked, days = task_of(row, clock.zone), _days(task)
    if "overdue" in task:
        return asked.is_overdue(clock.now)
    if "planned" not in task or not days:
        return True
    return not asked.is_overdue(clock.now) and asked.start is not None and days[0] <= asked.start.date() <= days[-1]


def _fields(row: Row, kept: Sequence[str]) -> Row:
    short: Row = {}
    for name in kept:
        value: JsonValue = row.get(name)
        if isinstance(value, str):
            value = shortened(value, MAX_TEXT_CHARS if name in {"description", "executive_summary"} else 160)
        if name == "task" and isinstance(value, dict):
            title = text_of(value, "title")
            value = None if title == row.get("summary") else Row(title=title)
        if value not in (None, "", _USUAL.get(name)):
            short[name] = value
    return short


def _fitting(data: Row) -> Row:
    """Return the data with the ends of its longest lists left off until it fits; `left_out` counts them."""
    fitting: Row = {name: [*value] if isinstance(value, list) else value for name, value in data.items()}
    left_out = 0
    while len(json.dumps(fitting, ensure_ascii=False)) > MAX_DATA_CHARS:
        lists = [value for value in fitting.values() if isinstance(value, list) and value]
        if not lists:
            break
        max(lists, key=lambda rows: len(json.dumps(rows, ensure_ascii=False))).pop()
        left_out += 1
    return fitting | ({"left_out": left_out} if left_out else {})


def _counts(data: Row) -> str:
    counts = [f"{len(rows)} {name.replace('_', ' ')}" for name, rows in data.items() if isinstance(rows, list)]
    return f"{', '.join(counts)}." if counts else ""


def _names(data: Row) -> str:
    rows = [row for name in _KEPT for row in rows_in(data, name)]
    names = [title for row in [row_in(data, "project"), *rows] if (title := text_of(row, "title", "name"))]
    return "; ".join(dict.fromkeys(names[:8]))


def _task_lists(task: str, _clock: Clock) -> list[Row]:
    arguments: Row = {"limit": 50, "status": [*OPEN]}
    if "in progress or blocked" in task:
        arguments["status"] = ["in_progress", "blocked"]
    if found := _ID.search(task):
        arguments["project_id"] = found[0]
    if "without a date" in task:
        arguments["has_date"] = False
    elif "overdue" in task or "planned" in task:
        arguments |= {"has_date": True, "sort_by": "start_date"}
    return [arguments]


def _windows(task: str, _clock: Clock) -> list[Row]:
    days = _days(task)
    return [{**between(days[0], days[-1]), "limit": 50}] if days else []


def _slot_windows(task: str, clock: Clock) -> list[Row]:
    """Return a window for each working day; a weekend only when nothing else is asked for."""
    days = _days(task)
    if not days:
        return []
    today = clock.now.date()
    length = min((days[-1] - days[0]).days, 31)
    every = [day for n in range(length + 1) if (day := days[0] + timedelta(days=n)) >= today]
    working = [day for day in every if day.weekday() < SATURDAY] or every
    windows: list[Row] = []
    for day in working[:MAX_SLOT_CALLS]:
        window: Row = {**between(day, day), "duration_minutes": DEFAULT_MINUTES, "preferred_hours": [*WORKING_HOURS]}
        if day == today:
            window["time_min"] = clock.now.isoformat()
        windows.append(window)
    return windows


def _project(task: str, _clock: Clock) -> list[Row]:
    found = _ID.search(task)
    return [{"project_id": found[0], "include_phases": True}] if found else []


def _texts(task: str, _clock: Clock) -> list[Row]:
    found = _ID.search(task)
    return [{"limit": 5, "project_id": found[0]} if found else {"limit": 5}]


def _projects(task: str, _clock: Clock) -> list[Row]:
    return [{"limit": 20, "status": "active"} if "active" in task else {"limit": 20}]


def _days(task: str) -> list[date]:
    days: list[date] = []
    for found in _DAY.findall(task):
        try:
            days.append(date.fromisoformat(found))
        except ValueError:
            continue
    return days


_ARGUMENTS: Final[Mapping[str, Callable[[str, Clock], list[Row]]]] = MappingProxyType(
    {
        "list_tasks": _task_lists,
        "get_calendar_events": _windows,
        "find_available_slots": _slot_windows,
        "get_project_details": _project,
        "search_notes": _texts,
        "search_brain_dumps": _texts,
        "search_projects": _projects,
    }
)
