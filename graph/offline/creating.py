"""Requests that make something new: tasks, notes, brain dumps, calendar events."""

import re
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from graph.offline import looking_up
from graph.offline.ask import Ask
from graph.offline.asking_calendar import hours_of, slot_window
from graph.offline.dates import When, days_of
from graph.offline.looking_up import is_pointing
from graph.offline.phrases import Words
from graph.offline.rows import Event, Span, Task, events_in, row_in, slots_in, text_of
from graph.offline.script import Call, CannotGoOn, Script, reading, reading_one, writing_one
from graph.offline.vocabulary import PATTERN_BY_WORD, PRIORITY_BY_WORD
from graph.offline.wording import bold, joined, length, moment, opening, period, span_line, task_line
from tools.local_time import spoken_day

MAX_TITLE_CHARS: Final = 500

_PRIORITY_AT_END: Final = re.compile(
    r"[,\s]+(?:with |at |as )?(?:an? )?(?P<priority>high|urgent|medium|normal|low)[- ]priority$"
    r"|[,\s]+\((?P<short>high|medium|low)\)$",
    re.IGNORECASE,
)
_PROJECT_AT_END: Final = re.compile(
    r"\s+(?:in|to|for|under|into) (?:the |my )?"
    r"(?:project (?P<after>[^:]+)|(?P<before>[^:]+?) project|(?P<this>this project))$",
    re.IGNORECASE,
)
_PROJECT_BEHIND_QUOTES: Final = re.compile(
    r"^[\"“](?P<title>[^\"“”]+)[\"”]\s+(?:in|to|for|under|into) (?:the |my )?(?P<project>.+)$", re.IGNORECASE
)
_MUST_EXIST: Final = re.compile(r"^(?:the|my|our|task|this|that|it\b|[\"“'‘])", re.IGNORECASE)
_REPEATS: Final = re.compile(
    rf"[,\s]+(?:repeating |recurring )?(?P<word>{'|'.join(sorted(PATTERN_BY_WORD, key=len, reverse=True))})$",
    re.IGNORECASE,
)


def task(ask: Ask, words: Words) -> Script[str]:
    """Create a task, with the project, day, time, length and priority that were said."""
    title, when, project_name, level = _parts(ask, words["title"])
    arguments: dict[str, JsonValue] = {"title": title}
    if level := level or words.get("priority", ""):
        arguments["priority"] = PRIORITY_BY_WORD[level.lower()]
    project = ""
    if project_name:
        found = yield from looking_up.the_project(ask, project_name)
        arguments["project_id"], project = found.id, found.name
    if start := _start(when, ask):
        arguments["start_date"] = start
    if when.length_minutes:
        arguments["duration_minutes"] = when.length_minutes
    result = yield from writing_one("create_task", **arguments)
    made = looking_up.changed_task(result.data, ask.zone)
    date_words = moment(made.start) if made.start else start or "no date"
    return f"Done: created the task {joined((bold(made.title), f'in {bold(project)}' if project else '', date_words))}."


def note(ask: Ask, words: Words) -> Script[str]:
    """Write a note, in a project if one was named."""
    content = words["content"].strip()
    arguments: dict[str, JsonValue] = {"content": content}
    if title := words.get("title", "").strip(" \"'“”"):
        arguments["title"] = title[:MAX_TITLE_CHARS]
    if name := words.get("project"):
        project = yield from looking_up.the_project(ask, re.sub(r"\s+project$", "", name, flags=re.IGNORECASE))
        arguments["project_id"] = project.id
    yield from writing_one("create_note", **arguments)
    return f"Done: saved the note {bold(title or opening(content))}."


def brain_dump(_ask: Ask, words: Words) -> Script[str]:
    """Store a brain dump as it was said."""
    content = words["content"].strip()
    yield from writing_one("create_brain_dump", content=content)
    return f"Done: saved the brain dump {bold(opening(content))}."


def schedule(ask: Ask, words: Words) -> Script[str]:
    """Put a task on the calendar at a time, or in the first free slot of a day; make the task if there is none."""
    name = " ".join(filter(None, (words["name"], words.get("rest"))))
    repeats = _REPEATS.search(name)
    name, when = ask.split(name[: repeats.start()] if repeats else name)
    name = re.sub(r"\s+(?:on|in|into|to) (?:my|the) calendar$", "", name, flags=re.IGNORECASE)
    if when is None or (when.first is None and when.at is None):
        raise CannotGoOn(f"When shall I schedule {bold(name)}? Say, for example, “schedule it tomorrow at 10”.")
    chosen = yield from _task_or_none(ask, name)
    minutes = when.length_minutes or (60 if chosen is None else chosen.minutes)
    if when.at is None:
        slot = yield from _first_slot(ask, When(when.first, when.last, minutes=minutes, hours=when.hours))
        start = slot.start
    else:
        start = datetime.combine(when.first or ask.today, when.at)
    extra: dict[str, JsonValue] = {"recurrence_pattern": PATTERN_BY_WORD[repeats["word"].lower()]} if repeats else {}
    return (yield from _put(chosen, name, start, minutes, extra))


def free_and_schedule(ask: Ask, words: Words) -> Script[str]:
    """Find free time and put a task there."""
    name = words["name"]
    when = ask.when() or When()
    if is_pointing(name):
        raise CannotGoOn("What shall I schedule there? Please name it.")
    name, _ = ask.split(name)
    chosen = yield from _task_or_none(ask, name)
    minutes = when.length_minutes or (60 if chosen is None else chosen.minutes)
    wanted = When(when.first, when.last, when.at, when.until, minutes, when.hours)
    slot = yield from _first_slot(ask, wanted)
    return (yield from _put(chosen, name, slot.start, minutes, {}))


def unschedule(ask: Ask, words: Words) -> Script[str]:
    """Delete the event of that name, or the event of the task of that name."""
    name, _ = ask.split(words["name"])
    name = re.sub(r"\s+(?:event|meeting|appointment)$", "", name, flags=re.IGNORECASE) or name
    events = yield from looking_up.events_named(ask, name)
    if events:
        return (yield from _delete(ask, looking_up.one_event(events, name)))
    task = yield from _one_task(ask, name)
    checked = yield from reading_one("check_task_has_calendar_event", task_id=task.id)
    event = events_in({"events": [row_in(checked.data, "event")]}, ask.zone)
    if checked.data.get("has_event") is not True or not event:
        return f"{bold(task.title)} is not on your calendar."
    return (yield from _delete(ask, event[0]))


def _delete(ask: Ask, event: Event) -> Script[str]:
    looking_up.ask_about_series(ask, event, "delete")
    result = yield from writing_one("delete_calendar_event", event_id=event.id)
    stays = " Its task stays, without a date." if event.task or text_of(result.data, "task_id") else ""
    return f"Done: deleted the event {bold(event.summary)} of {moment(event.start)}.{stays}"


def _one_task(ask: Ask, name: str) -> Script[Task]:
    found = yield from looking_up.tasks_named(ask, name)
    if not found:
        raise CannotGoOn(looking_up.nothing_named("event or task", name))
    return looking_up.one_of(found, "task", name, lambda row: task_line(row, ask.now))


def _task_or_none(ask: Ask, name: str) -> Script[Task | None]:
    """Return the open task of that name; None when the name may be that of a new one.

    Raises:
        CannotGoOn: several tasks fit, or none does and the name speaks of one that is there.
    """
    found = yield from looking_up.tasks_named(ask, name)
    found = [row for row in found if row.is_open]
    if not found and not _MUST_EXIST.match(name.strip()):
        return None
    return looking_up.one_of(found, "open task", name, lambda row: task_line(row, ask.now))


def _first_slot(ask: Ask, when: When) -> Script[Span]:
    """Return the first free slot.

    Raises:
        CannotGoOn: there is none.
    """
    (result,) = yield from reading(Call("find_available_slots", slot_window(ask, when)))
    slots = slots_in(result.data, ask.zone)
    if not slots:
        first, last = days_of(when, ask.today + timedelta(days=1))
        wanted = length(when.minutes or 60)
        raise CannotGoOn(
            f"Nothing was scheduled: there is no free {wanted} on {period(first, last)}, {hours_of(when)}."
        )
    return slots[0]


def _put(chosen: Task | None, name: str, start: datetime, minutes: int, extra: dict[str, JsonValue]) -> Script[str]:
    """Put a task on the calendar; a new one is made first."""
    made = ""
    if chosen is None:
        title = re.sub(r"^(?:an?|some) ", "", name.strip(), flags=re.IGNORECASE).strip("\"'“”")[:MAX_TITLE_CHARS]
        created = yield from writing_one("create_task", title=title, duration_minutes=minutes)
        task_id = text_of(row_in(created.data, "task"), "id", "task_id")
        made = " There was no such task, so I created it."
    else:
        title, task_id = chosen.title, chosen.id
    yield from writing_one(
        "update_or_schedule_task", task_id=task_id, start_time=start.isoformat(), duration_minutes=minutes, **extra
    )
    span = Span(start, start + timedelta(minutes=minutes))
    repeated = f", {extra['recurrence_pattern']}" if extra else ""
    return f"Done: {bold(title)} is on your calendar on {spoken_day(start.date())}, {span_line(span)}{repeated}.{made}"


def _parts(ask: Ask, text: str) -> tuple[str, When, str, str]:
    """Take a task's time, project and priority off the end of its title, in whatever order they stand."""
    when, project, level = When(), "", ""
    for _ in range(4):
        rest, more = ask.split(text)
        if more is not None and rest:
            when, text = when.joined(more), rest
        elif not level and (found := _PRIORITY_AT_END.search(text)):
            level, text = found["priority"] or found["short"], text[: found.start()]
        elif not project and (found := _PROJECT_AT_END.search(text)):
            project, text = found["after"] or found["before"] or found["this"], text[: found.start()]
        elif not project and (found := _PROJECT_BEHIND_QUOTES.search(text)):
            text, project = found["title"], found["project"]
        else:
            break
    title = text.strip().strip('"“”').strip()
    return (title or text.strip())[:MAX_TITLE_CHARS], when, project, level


def _start(when: When, ask: Ask) -> str | None:
    if when.first is None and when.at is not None:
        return datetime.combine(ask.today, when.at).isoformat()
    return when.iso_start()
