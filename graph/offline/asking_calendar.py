"""Questions about the calendar: what is on it, and where there is room."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from pydantic import JsonValue

from graph.offline import looking_up
from graph.offline.ask import Ask
from graph.offline.dates import When, days_of
from graph.offline.phrases import Words
from graph.offline.rows import Span, events_in, local, row_in, slots_in, text_of, total_of
from graph.offline.script import Call, Script, reading, reading_one
from graph.offline.wording import (
    bold,
    counted,
    event_line,
    events_by_day,
    joined,
    length,
    listed,
    moment,
    paragraphs,
    period,
    span_line,
)
from tools.local_time import spoken_day

WORKING_HOURS: Final = tuple(range(9, 17))
DEFAULT_MINUTES: Final = 60
MAX_SLOT_DAYS: Final = 7


def calendar(ask: Ask, _words: Words) -> Script[str]:
    """Name the events of the days asked for, today when none are."""
    first, last = days_of(ask.when(), ask.today)
    result = yield from reading_one("get_calendar_events", **between(first, last), limit=50)
    events = events_in(result.data, ask.zone)
    if not events:
        return f"There is nothing on your calendar for {period(first, last)}."
    total = total_of(result.data, len(events))
    head = f"{counted(total, 'event')} on your calendar for {period(first, last)}:"
    if first == last:
        return paragraphs(head, listed((event_line(event) for event in events), total))
    return paragraphs(head, events_by_day(events))


def between(first: date, last: date) -> dict[str, str]:
    """Return the window from the start of one day to the end of another."""
    return {
        "time_min": f"{first.isoformat()}T00:00:00",
        "time_max": f"{(last + timedelta(days=1)).isoformat()}T00:00:00",
    }


def next_event(ask: Ask, _words: Words) -> Script[str]:
    """Name the next event."""
    result = yield from reading_one("get_calendar_events", limit=10)
    coming = [event for event in events_in(result.data, ask.zone) if event.start >= ask.now]
    if not coming:
        return "There is nothing on your calendar in the next seven days."
    event = coming[0]
    return f"Next, on {spoken_day(event.start.date())}: {event_line(event)}"


def free(ask: Ask, _words: Words) -> Script[str]:
    """Name free slots on the days asked for, tomorrow when none are."""
    when = ask.when() or When()
    result = yield from reading_one("find_available_slots", **slot_window(ask, when))
    first, last = days_of(when, ask.today + timedelta(days=1))
    slots = slots_in(result.data, ask.zone)
    or_more = when.length_minutes is None
    slots = merged(slots) if or_more else slots
    asked = length(when.length_minutes or DEFAULT_MINUTES)
    if not slots:
        return f"I found no free {asked} on {period(first, last)}, {hours_of(when)}."
    lines = [f"{spoken_day(slot.start.date())} {span_line(slot)}" for slot in slots]
    return paragraphs(f"Free for {asked}{' or more' if or_more else ''}, {period(first, last)}:", listed(lines))


def hours_of(when: When) -> str:
    """Return in words between which hours free time was looked for."""
    if when.at is not None:
        return f"from {when.at:%H:%M}{f' to {when.until:%H:%M}' if when.until else ''}"
    hours = when.hours or WORKING_HOURS
    return f"between {hours[0]:02}:00 and {hours[-1] + 1:02}:00"


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return free time, earliest first, with spans that touch put together."""
    whole: list[Span] = []
    for span in spans:
        if whole and whole[-1].end >= span.start:
            whole[-1] = Span(whole[-1].start, max(whole[-1].end, span.end))
        else:
            whole.append(span)
    return whole


def slot_window(ask: Ask, when: When) -> dict[str, JsonValue]:
    """Return the arguments for free slots: never in the past, in working hours unless said otherwise."""
    first, last = days_of(when, ask.today + timedelta(days=1))
    last = min(last, first + timedelta(days=MAX_SLOT_DAYS - 1))
    window: dict[str, JsonValue] = {**between(first, last)}
    if first <= ask.today <= last:
        window["time_min"] = ask.now.replace(second=0, microsecond=0).isoformat()
    window["duration_minutes"] = when.length_minutes or DEFAULT_MINUTES
    if when.at is not None:
        until = 24 if when.until is None else max(when.until.hour, when.at.hour + 1)
        window["preferred_hours"] = [*range(when.at.hour, until)]
    else:
        window["preferred_hours"] = [*(when.hours or WORKING_HOURS)]
    return window


def on_calendar(ask: Ask, words: Words) -> Script[str]:
    """Say whether a task or an event is on the calendar."""
    name = words["name"]
    found = yield from looking_up.tasks_named(ask, name)
    if found:
        results = yield from reading(
            *(Call("check_task_has_calendar_event", {"task_id": task.id}) for task in found[:8])
        )
        lines: list[str] = []
        for task, result in zip(found, results, strict=False):
            event = row_in(result.data, "event")
            on = result.data.get("has_event") is True
            start = local(text_of(event, "start_time", "starts_at", "start"), ask.zone) if on else None
            lines.append(
                joined(
                    (bold(task.title), f"yes, {moment(start)}" if start else "yes" if on else "not on your calendar")
                )
            )
        return listed(lines)
    events = yield from looking_up.events_named(ask, name)
    if not events:
        return f"No: I found neither a task nor an event called {bold(name)}."
    return listed(f"Yes: {spoken_day(event.start.date())} {event_line(event)}" for event in events)


def show_event(ask: Ask, words: Words) -> Script[str]:
    """Show one event."""
    events = yield from looking_up.events_named(ask, words["name"])
    event = looking_up.one_event(events, words["name"])
    return f"{spoken_day(event.start.date())} {event_line(event)}"
