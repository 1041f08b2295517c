"""Requests that change what there is: status, priority, title, date of a task; status of a project."""

import re
from typing import Final

from graph.offline import looking_up
from graph.offline.ask import Ask
from graph.offline.asking_tasks import filters
from graph.offline.looking_up import here, is_pointing
from graph.offline.phrases import Words
from graph.offline.rows import Event, Row, Task, tasks_in
from graph.offline.script import Call, CannotGoOn, Result, Script, reading_one, writing_one
from graph.offline.vocabulary import PRIORITY_BY_WORD, PROJECT_STATUS_BY_WORD, STATUS_BY_WORD
from graph.offline.wording import bold, counted, length, listed, moment, one_line, paragraphs, status_word, task_line
from tools.local_time import spoken_day

MOST_AT_ONCE: Final = 16  # writes in one reply; a longer list is told, not changed

_BARE_HOUR: Final = re.compile(r"\s+to\s+(\d{1,2})$", re.IGNORECASE)  # "to 10": of a title it would be a number


def status_of_task(ask: Ask, words: Words) -> Script[str]:
    """Set the status of one task; of the project the person speaks from when "it" is one."""
    name, word = words["name"], _word(words["status"])
    if is_pointing(name) and here(ask, "project") and word in PROJECT_STATUS_BY_WORD:
        return (yield from _set_project(ask, name, PROJECT_STATUS_BY_WORD[word]))
    return (yield from _set_task(ask, name, STATUS_BY_WORD[word]))


def start(ask: Ask, words: Words) -> Script[str]:
    """Set a task in progress."""
    return _set_task(ask, words["name"], "in_progress")


def reopen(ask: Ask, words: Words) -> Script[str]:
    """Put a task back to what is to be done."""
    return _set_task(ask, words["name"], "backlog")


def _set_task(ask: Ask, name: str, status: str) -> Script[str]:
    task = yield from looking_up.the_task(ask, name, prefer_open=status == "done")
    if task.status == status:
        return f"{bold(task.title)} already is {status_word(status)}."
    yield from writing_one("update_task", task_id=task.id, updates={"status": status})
    return f"Done: {bold(task.title)} is now {status_word(status)} (it was {status_word(task.status)})."


def status_of_many(ask: Ask, words: Words) -> Script[str]:
    """Set the status of all tasks of a kind."""
    status = STATUS_BY_WORD[_word(words["status"])]
    kind = Ask(f"{words['which']} tasks", ask.now, ask.zone)
    wanted = filters(kind)
    overdue = words["which"].lower() in {"overdue", "late"}
    dated = Row(sort_by="start_date", has_date=True) if overdue else Row()
    arguments = wanted.arguments | dated
    result = yield from reading_one("list_tasks", **arguments)
    found = [task for task in tasks_in(result.data, ask.zone) if task.status != status]
    if overdue:
        found = [task for task in found if task.is_overdue(ask.now)]
    if not found:
        return f"There are no {words['which'].lower()} tasks to change."
    changed = found[:MOST_AT_ONCE]
    results = yield tuple(Call("update_task", {"task_id": task.id, "updates": {"status": status}}) for task in changed)
    head = f"of {counted(len(found), 'task')} {_is(len(changed))} now {status_word(status)}"
    return told_of_many(changed, results, head, len(found) - len(changed))


def told_of_many(tasks: list[Task], results: tuple[Result, ...], head: str, left: int = 0) -> str:
    """Say which of several changes were confirmed and which were refused, with the tool's words."""
    pairs = list(zip(tasks, results, strict=True))
    done = [bold(task.title) for task, result in pairs if result.error is None]
    failed = [f"{bold(task.title)}: {result.message}" for task, result in pairs if result.error is not None]
    return paragraphs(
        f"{len(done)} {head}:\n{listed(done)}" if done else "",
        f"Not done:\n{listed(failed)}" if failed else "",
        f"{counted(left, 'task')} more stayed as they are: I change at most {MOST_AT_ONCE} at once." if left else "",
    )


def priority(ask: Ask, words: Words) -> Script[str]:
    """Set the priority of a task."""
    level = PRIORITY_BY_WORD[words["priority"].lower()]
    task = yield from looking_up.the_task(ask, words["name"])
    if task.priority == level:
        return f"{bold(task.title)} already has {level} priority."
    yield from writing_one("update_task", task_id=task.id, updates={"priority": level})
    return f"Done: {bold(task.title)} now has {level} priority (it had {task.priority})."


def rename(ask: Ask, words: Words) -> Script[str]:
    """Give a task another title."""
    new = _unquoted(words["new"])
    task = yield from looking_up.the_task(ask, words["name"])
    yield from writing_one("update_task", task_id=task.id, updates={"title": new})
    return f"Done: the task {bold(task.title)} is now called {bold(new)}."


def rename_project(ask: Ask, words: Words) -> Script[str]:
    """Give a project another name."""
    new = _unquoted(words["new"])
    project = yield from looking_up.the_project(ask, words["name"])
    yield from writing_one("update_project", project_id=project.id, updates={"name": new})
    return f"Done: the project {bold(project.name)} is now called {bold(new)}."


def rename_event(ask: Ask, words: Words) -> Script[str]:
    """Give a calendar event another name."""
    new = _unquoted(words["new"])
    found = yield from looking_up.events_named(ask, words["name"])
    event = looking_up.one_event(found, words["name"])
    yield from writing_one("update_calendar_event", event_id=event.id, updates={"summary": new})
    return f"Done: the event {bold(event.summary)} is now called {bold(new)}."


def duration(ask: Ask, words: Words) -> Script[str]:
    """Set how long a task takes."""
    name, when = ask.split(words["name"])
    if when is None or when.minutes is None:
        raise CannotGoOn("Please say how long it takes, for example “set the duration of the review to 2 hours”.")
    task = yield from looking_up.the_task(ask, name)
    yield from writing_one("update_task", task_id=task.id, updates={"duration_minutes": when.minutes})
    return f"Done: {bold(task.title)} now takes {length(when.minutes)} (before: {length(task.minutes)})."


def clear_date(ask: Ask, words: Words) -> Script[str]:
    """Take the date off a task; its calendar event goes with it."""
    task = yield from looking_up.the_task(ask, words["name"])
    if task.start is None:
        return f"{bold(task.title)} has no date."
    yield from writing_one("update_task", task_id=task.id, updates={"start_date": None})
    return f"Done: {bold(task.title)} no longer has a date (it was {moment(task.start)})."


def move(ask: Ask, words: Words) -> Script[str]:
    """Move a task, or an event of that name, to another day or time."""
    phrase = _BARE_HOUR.sub(r" at \1", words["name"])
    name, when = ask.split(phrase)
    if when is None or (when.first is None and when.at is None):
        raise CannotGoOn(
            f"To when shall I move {bold(name)}? Say, for example, “move {one_line(name)} to Friday at 15:00”."
        )
    found = yield from looking_up.tasks_named(ask, name)
    still_open = [task for task in found if task.is_open] or found
    if not still_open:
        events = yield from looking_up.events_named(ask, name)
        if not events:
            raise CannotGoOn(looking_up.nothing_named("task or event", name))
        return (yield from _move_event(ask, looking_up.one_event(events, name), phrase))
    task = looking_up.one_of(still_open, "task", name, lambda row: task_line(row, ask.now))
    new_start = when.iso_start() or _same_day(task, ask, when.at.isoformat() if when.at else "")
    updates = Row(start_date=new_start)
    if when.length_minutes:
        updates["duration_minutes"] = when.length_minutes
    result = yield from writing_one("update_task", task_id=task.id, updates=updates)
    changed = looking_up.changed_task(result.data, ask.zone)
    if changed.start is not None and changed.start == task.start:
        return f"{bold(task.title)} already is on {moment(changed.start)}."
    was = "it had no date" if task.start is None else f"it was {moment(task.start)}"
    now = moment(changed.start) if changed.start else new_start
    return f"Done: {bold(task.title)} is now on {now} ({was})."


def status_of_project(ask: Ask, words: Words) -> Script[str]:
    """Pause, archive, complete or take up a project."""
    return _set_project(ask, words.get("name", "this project"), PROJECT_STATUS_BY_WORD[_word(words["stands"])])


def status_by_verb(ask: Ask, words: Words) -> Script[str]:
    """Pause, archive or take up what can only be a project."""
    return _set_project(ask, words["name"], PROJECT_STATUS_BY_WORD[_word(words["verb"])])


def complete(ask: Ask, words: Words) -> Script[str]:
    """Complete a task of that name, or a project when there is no such task."""
    name = words["name"]
    found = yield from looking_up.tasks_named(ask, name)
    if not found:
        projects = yield from looking_up.projects_named(ask, name)
        if len(projects) == 1 or (projects and not is_pointing(name)):
            return (yield from _set_project(ask, name, "completed"))
    still_open = [task for task in found if task.is_open] or found
    task = looking_up.one_of(still_open, "task", name, lambda row: task_line(row, ask.now))
    if not task.is_open:
        return f"{bold(task.title)} already is done."
    yield from writing_one("update_task", task_id=task.id, updates={"status": "done"})
    return f"Done: {bold(task.title)} is now done (it was {status_word(task.status)})."


def _set_project(ask: Ask, name: str, status: str) -> Script[str]:
    project = yield from looking_up.the_project(ask, name)
    if project.status == status:
        return f"The project {bold(project.name)} already is {status}."
    yield from writing_one("update_project", project_id=project.id, updates={"status": status})
    return f"Done: the project {bold(project.name)} is now {status} (it was {project.status})."


def _move_event(ask: Ask, event: Event, phrase: str) -> Script[str]:
    looking_up.ask_about_series(ask, event, "move")
    _, when = ask.split(phrase)
    assert when is not None, "the caller has seen it"
    day = when.first or event.start.date()
    start = day.isoformat() if when.at is None else f"{day.isoformat()}T{when.at.isoformat()}"
    yield from writing_one("update_calendar_event", event_id=event.id, updates={"start_time": start})
    at = "" if event.all_day else f", {when.at or event.start.time():%H:%M}"
    return f"Done: the event {bold(event.summary)} is now on {spoken_day(day)}{at} (it was {moment(event.start)})."


def _same_day(task: Task, ask: Ask, at: str) -> str:
    """Return the start at another time of the task's own day, or of today."""
    day = task.start.date() if task.start and task.start.date() >= ask.today else ask.today
    return f"{day.isoformat()}T{at}"


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'“”‘’").strip() or text


def _word(text: str) -> str:
    return " ".join(text.lower().split())


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
