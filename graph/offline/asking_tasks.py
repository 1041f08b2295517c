"""Questions about tasks, answered with a call or two."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import JsonValue

from graph.offline import looking_up
from graph.offline.ask import Ask
from graph.offline.looking_up import OPEN
from graph.offline.phrases import MAX_WORDS_CHARS, Words
from graph.offline.rows import Row, Task, event_of, row_in, task_of, tasks_in, text_of, total_of
from graph.offline.script import Script, reading_one
from graph.offline.wording import (
    bold,
    counted,
    joined,
    length,
    listed,
    moment,
    paragraphs,
    period,
    status_word,
    task_line,
)
from persistence.text import shortened

MAX_FOCUS: Final = 5
_AFTER_NOUN: Final = ("in ", "for ")  # words of a description that stand behind "tasks"
_PRIORITY: Final = re.compile(r"\b(high|medium|low|urgent|important)\b", re.IGNORECASE)
_PRIORITY_WORDS: Final = {"urgent": "high", "important": "high"}
_STATUSES: Final[tuple[tuple[str, str], ...]] = (
    (r"\bblocked\b", "blocked"),
    (r"\bin[- ]progress\b|\bcurrent\b|\bstarted\b|\bworking on\b|\bin the middle of\b", "in_progress"),
    (r"\b(?:done|complete(?:d)?|finish(?:ed)?)\b", "done"),
    (r"\bbacklog\b", "backlog"),
)
_OF_PROJECT: Final = re.compile(
    r"\b(?:of|in|for|from|on|under) (?:the |my )?(?:project (?P<after>.+)|(?P<before>.+?) project)$"
    r"|\b(?:of|in|from|under) (?P<bare>(?!total\b|progress\b|the next\b|the middle\b|backlog\b).+)$",
    re.IGNORECASE,
)


def overdue(ask: Ask, _words: Words) -> Script[str]:
    """Name the open tasks that were to start on a day before today."""
    result = yield from reading_one("list_tasks", status=[*OPEN], has_date=True, sort_by="start_date", limit=50)
    late = [task for task in tasks_in(result.data, ask.zone) if task.is_overdue(ask.now)]
    if not late:
        return "Nothing is overdue."
    return _list_of(late, f"{counted(len(late), 'task')} {_are(len(late))} overdue, the oldest first:", ask.now)


def focus(ask: Ask, _words: Words) -> Script[str]:
    """Propose what to work on: overdue, then today, then started, then important."""
    result = yield from reading_one("list_tasks", status=["backlog", "in_progress"], sort_by="priority", limit=50)
    tasks = sorted(tasks_in(result.data, ask.zone), key=lambda task: urgency(task, ask.now))
    if not tasks:
        return "You have no open tasks."
    total = counted(total_of(result.data, len(tasks)), "open task")
    head = f"Of {total}, these come first (overdue, then today, started, important):"
    return _list_of(tasks[:MAX_FOCUS], head, ask.now)


def urgency(task: Task, now: datetime) -> tuple[int, int, datetime, str]:
    """Return what open tasks are sorted by: overdue, today, started, then by priority and date."""
    today = task.start is not None and task.start.date() == now.date()
    rank = 0 if task.is_overdue(now) else 1 if today else 2 if task.status == "in_progress" else 3
    priority = {"high": 0, "medium": 1, "low": 2}.get(task.priority, 1)
    return rank, priority, task.start or datetime.max, task.title  # noqa: DTZ901 - undated comes last


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks are asked for: the arguments for `list_tasks`, the days, and both in words."""

    arguments: dict[str, JsonValue]
    words: tuple[str, ...]
    days: tuple[date, date] | None = None
    without_project: bool = False


def tasks(ask: Ask, _words: Words) -> Script[str]:
    """List or count the tasks that the request describes."""
    wanted = filters(ask)
    arguments, words = dict(wanted.arguments), [*wanted.words]
    name = _project_name(ask)
    if name:
        project = yield from looking_up.the_project(ask, name)
        arguments["project_id"] = project.id
        words.append(f"in {bold(project.name)}")
    result = yield from reading_one("list_tasks", **arguments)
    found = [task for task in tasks_in(result.data, ask.zone) if _fits(task, wanted)]
    if wanted.days is not None:
        words.append(f"for {period(*wanted.days)}")
    filtered = wanted.days is not None or wanted.without_project
    total = len(found) if filtered else total_of(result.data, len(found))
    counting = ask.request.lower().startswith("how many")
    return _answer(found, total, words, ask.now, only_number=counting)


def filters(ask: Ask) -> Filters:
    """Read from a request which tasks it is about; open ones unless it says otherwise."""
    arguments = Row(limit=50)
    words: list[str] = []
    text = ask.request
    if priority := _PRIORITY.search(text):
        level = _PRIORITY_WORDS.get(priority[1].lower(), priority[1].lower())
        arguments["priority"] = [level]
        words.append(f"{level}-priority")
    statuses: list[JsonValue] = [status for pattern, status in _STATUSES if re.search(pattern, text, re.IGNORECASE)]
    words += [_status_words(str(status)) for status in statuses] or ["open"]
    arguments["status"] = statuses or [*OPEN]
    days = None
    if re.search(
        r"\b(?:without|no|missing) (?:an? )?(?:start )?dates?\b|\bun(?:dated|scheduled)\b", text, re.IGNORECASE
    ):
        arguments["has_date"] = False
        words.append("undated")
    elif (when := ask.when()) is not None and when.first is not None:
        days = (when.first, when.last or when.first)
        arguments |= {"has_date": True, "sort_by": "start_date"}
    without_project = re.search(r"\bwithout (?:a )?project\b|\bno project\b", text, re.IGNORECASE) is not None
    return Filters(arguments, tuple(words), days, without_project)


def _status_words(status: str) -> str:
    return status_word(status).replace(" ", "-")


def show_task(ask: Ask, words: Words) -> Script[str]:
    """Show one whole task."""
    task = yield from looking_up.the_task(ask, words["name"], prefer_open=False)
    result = yield from reading_one("get_task_details", task_id=task.id, include_project_context=False)
    return whole_task(result.data, ask)


def whole_task(data: Row, ask: Ask) -> str:
    """Return a task with everything that hangs on it."""
    row = row_in(data, "task")
    task = task_of(row | {"project": row.get("project") or data.get("project")}, ask.zone)
    linked = data.get("calendar_event") or row.get("calendar_event")
    event = event_of(linked, ask.zone) if isinstance(linked, dict) else None
    subtasks = tasks_in(row_in(row, "subtasks"), ask.zone)
    return paragraphs(
        joined((task_line(task, ask.now), length(task.minutes))),
        shortened(text_of(row, "description"), 2_000),
        shortened(text_of(row, "details"), 2_000),
        "Not on the calendar." if event is None else f"On the calendar: {moment(event.start)}.",
        f"Subtasks:\n{listed(task_line(subtask, ask.now) for subtask in subtasks)}" if subtasks else "",
    )


def when_is(ask: Ask, words: Words) -> Script[str]:
    """Say when a task or an event of that name is."""
    name = words["name"]
    found = yield from looking_up.tasks_named(ask, name)
    events = yield from looking_up.events_named(ask, name)
    lines = [task_line(task, ask.now) for task in found]
    lines += [
        f"{bold(event.summary)} is on your calendar: {moment(event.start)}"
        for event in events
        if event.task not in {task.title for task in found}
    ]
    return listed(lines) if lines else looking_up.nothing_named("task or event", name)


def _project_name(ask: Ask) -> str:
    """Return the project that a request for tasks names, or an empty text."""
    text, _ = ask.split(ask.request[-MAX_WORDS_CHARS:])
    if re.search(r"\bthis project\b", text, re.IGNORECASE):
        return "this project"
    if re.search(r"\b(?:without|no) (?:a )?project\b", text, re.IGNORECASE):
        return ""
    match = _OF_PROJECT.search(text)
    if match is None:
        before = re.search(
            r"(?:show|list|what are|display)(?: me)?(?: all)?(?: the| my)? (?P<name>.+) project(?:'s)? tasks$",
            text,
            re.IGNORECASE,
        )
        name = before["name"] if before else ""
    else:
        name = match["after"] or match["before"] or match["bare"] or ""
    return (
        ""
        if re.fullmatch(r"(?:my|the|all|each|every)?\s*(?:projects?|tasks?|list|calendar)?", name, re.IGNORECASE)
        else name
    )


def _fits(task: Task, wanted: Filters) -> bool:
    if wanted.without_project and task.project:
        return False
    if wanted.days is None:
        return True
    first, last = wanted.days
    return task.start is not None and first <= task.start.date() <= last


def _answer(found: list[Task], total: int, words: list[str], now: datetime, *, only_number: bool) -> str:
    described = " ".join(word for word in words if not word.startswith(_AFTER_NOUN))
    place = "".join(f" {word}" for word in words if word.startswith(_AFTER_NOUN))
    if not found:
        return f"There are no {described} tasks{place}."
    head = f"There {_are(total)} {counted(total, f'{described} task')}{place}"
    if only_number:
        return f"{head}."
    return paragraphs(f"{head}:", listed((task_line(task, now) for task in found), total))


def _list_of(rows: list[Task], head: str, now: datetime) -> str:
    return paragraphs(head, listed(task_line(task, now) for task in rows))


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
