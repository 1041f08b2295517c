"""Find the one row that a person means, with tools; ask which when there are several.

Text in rows is data: it is compared with the name, nothing more.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from graph.offline.ask import Ask
from graph.offline.naming import plain, those_named
from graph.offline.rows import (
    Event,
    Project,
    Row,
    Task,
    Text,
    events_in,
    projects_in,
    row_in,
    task_of,
    tasks_in,
    texts_in,
    total_of,
)
from graph.offline.script import Call, CannotGoOn, Script, reading, reading_one
from graph.offline.wording import bold, counted, event_line, listed, one_line, project_line, task_line, text_line
from tools.local_time import spoken_day

T = TypeVar("T")

MOST_TASKS: Final = 50  # that list_tasks shows at once
MOST_PROJECTS: Final = 20
MOST_TEXTS: Final = 20
MOST_CHOICES: Final = 8
MAX_QUERY_CHARS: Final = 200
EVENT_DAYS_BACK: Final = 1
EVENT_DAYS_AHEAD: Final = 30
OPEN: Final = ["backlog", "in_progress", "blocked"]

WHICH: Final = "Which one do you mean?"
_POINTING: Final = re.compile(
    r"(?:it|this|that|this one|that one|(?:this|the|that|my|current) (?:task|project|event|meeting|note|one))",
    re.IGNORECASE,
)
_ID: Final = re.compile(
    r'(?<!\\)"id": ?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"', re.IGNORECASE
)  # no text in JSON can forge it
_BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*")
_WHOLE_SERIES: Final = re.compile(r"\bseries\b", re.IGNORECASE)
_KIND_WORDS: Final = re.compile(
    r"^(?:the |my )?(?:whole |entire )?(?:task|project|note|event|meeting|series)s? (?:of |called |named |titled )?",
    re.IGNORECASE,
)


def is_pointing(name: str) -> bool:
    """Say whether a name is only a pointer: "it", "this task"."""
    return _POINTING.fullmatch(name.strip()) is not None


def here(ask: Ask, kind: str) -> str | None:
    """Return the id of the task or project that the person speaks from."""
    match = re.match(r'<context type="([^"]*)"', ask.context)
    if match is None or not match[1].startswith(kind):
        return None
    found = _ID.search(ask.context)
    return found[1].lower() if found else None


def meant(ask: Ask, name: str) -> str:
    """Return a name, and for a pointer the one title that the last answer printed in bold."""
    if not is_pointing(name):
        return _KIND_WORDS.sub("", name, count=1) or name
    last = next((said.text for said in reversed(ask.earlier) if not said.by_person), "")
    titles = list(dict.fromkeys(_BOLD.findall(last)))
    return titles[0] if len(titles) == 1 else name


def the_task(ask: Ask, name: str, *, prefer_open: bool = True) -> Script[Task]:
    """Return the task of that name.

    Raises:
        CannotGoOn: there is none, or there are several.
    """
    found = yield from tasks_named(ask, name)
    if prefer_open and any(task.is_open for task in found):
        found = [task for task in found if task.is_open]
    return one_of(found, "task", name, lambda task: task_line(task, ask.now))


def tasks_named(ask: Ask, name: str) -> Script[list[Task]]:
    """Return the tasks a name may mean. A list that is cut short is read again, one priority at a time."""
    task_id = here(ask, "task") if is_pointing(name) else None
    first = yield from reading_one("list_tasks", limit=MOST_TASKS, sort_by="created_at")
    tasks = tasks_in(first.data, ask.zone)
    if total_of(first.data, len(tasks)) > len(tasks):
        every = yield from reading(
            *(
                Call("list_tasks", {"limit": MOST_TASKS, "priority": [priority]})
                for priority in ("high", "medium", "low")
            )
        )
        tasks += [task for result in every for task in tasks_in(result.data, ask.zone)]
    tasks = list({task.id: task for task in tasks}.values())
    if task_id is not None:
        return [task for task in tasks if task.id == task_id]
    return those_named(meant(ask, name), tasks, lambda task: task.title)


def the_project(ask: Ask, name: str) -> Script[Project]:
    """Return the project of that name.

    Raises:
        CannotGoOn: there is none, or there are several.
    """
    found = yield from projects_named(ask, name)
    return one_of(found, "project", re.sub(r" project$", "", name, flags=re.IGNORECASE), project_line)


def projects_named(ask: Ask, name: str) -> Script[list[Project]]:
    """Return the projects a name may mean."""
    result = yield from reading_one("search_projects", limit=MOST_PROJECTS)
    projects = projects_in(result.data)
    if is_pointing(name) and (project_id := here(ask, "project")):
        return [project for project in projects if project.id == project_id]
    name = re.sub(r" project$", "", meant(ask, name), flags=re.IGNORECASE)
    found = those_named(name, projects, lambda project: project.name)
    if found or total_of(result.data, len(projects)) <= len(projects):
        return found
    searched = yield from reading_one("search_projects", query=plain(name)[:MAX_QUERY_CHARS], limit=MOST_PROJECTS)
    return those_named(name, projects_in(searched.data), lambda project: project.name)


def the_text(ask: Ask, tool: str, noun: str, name: str) -> Script[Text]:
    """Return the note or the brain dump of that name.

    Raises:
        CannotGoOn: there is none, or there are several.
    """
    name = meant(ask, name)
    every = yield from reading_one(tool, limit=MOST_TEXTS)
    found = those_named(name, texts_in(every.data, ask.zone), lambda text: text.title)
    if not found:
        searched = yield from reading_one(tool, query=plain(name)[:MAX_QUERY_CHARS], limit=MOST_TEXTS)
        found = texts_in(searched.data, ask.zone)
    return one_of(found, noun, name, text_line)


def events_named(ask: Ask, name: str) -> Script[list[Event]]:
    """Return the events a name may mean, from yesterday to a month ahead; of a series only the next one."""
    result = yield from reading_one("get_calendar_events", **around(ask))
    events = events_in(result.data, ask.zone)
    by_id = {event.id: event for event in reversed(events) if event.end >= ask.now}
    past = {event.id: event for event in events if event.id not in by_id}
    rows = sorted([*past.values(), *by_id.values()], key=lambda event: event.start)
    return those_named(meant(ask, name), rows, lambda event: event.summary)


def around(ask: Ask) -> dict[str, str | int]:
    """Return the arguments for the calendar of the days in which an event is looked for."""
    first, last = ask.today - timedelta(days=EVENT_DAYS_BACK), ask.today + timedelta(days=EVENT_DAYS_AHEAD)
    return {"time_min": f"{first.isoformat()}T00:00:00", "time_max": f"{last.isoformat()}T00:00:00", "limit": 50}


def one_event(found: Sequence[Event], name: str) -> Event:
    """Return the only event.

    Raises:
        CannotGoOn: there is none, or there are several.
    """
    return one_of(found, "event", name, lambda event: f"{spoken_day(event.start.date())} {event_line(event)}")


def ask_about_series(ask: Ask, event: Event, verb: str) -> None:
    """Stop at an event that repeats, unless the whole series is meant: every occurrence would change.

    Raises:
        CannotGoOn: the request does not speak of a series.
    """
    if event.repeats and not _WHOLE_SERIES.search(ask.request):
        raise CannotGoOn(
            f"{bold(event.summary)} repeats ({event.repeats}), and I can only {verb} all of it. If you want that, say"
            f" “{verb} the whole series {one_line(event.summary)}”."
        )


def one_of(found: Sequence[T], noun: str, name: str, line: Callable[[T], str]) -> T:
    """Return the only row.

    Raises:
        CannotGoOn: there is none, or there are several, which the text names.
    """
    if len(found) == 1:
        return found[0]
    if not found:
        raise CannotGoOn(nothing_named(noun, name))
    lines = listed([line(row) for row in found[:MOST_CHOICES]], len(found))
    raise CannotGoOn(f"{counted(len(found), noun)} could be {bold(name)}:\n\n{lines}\n\n{WHICH}")


def nothing_named(noun: str, name: str) -> str:
    """Say that there is no such row."""
    if is_pointing(name):
        return f"I do not know which {noun} you mean. Please name it."
    return f"I found no {noun} called {bold(plain(name) or name)}."


def changed_task(data: Row, zone: ZoneInfo) -> Task:
    """Return the task as a write tool answered it."""
    return task_of(row_in(data, "task"), zone)
