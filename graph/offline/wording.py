"""How rows read in an answer, in markdown."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from graph.offline.rows import Event, Project, Span, Task, Text
from persistence.text import shortened
from tools.local_time import spoken_day

MAX_LINES: Final = 25  # a longer list says how many more there are
MAX_BODY_CHARS: Final = 4_000
OPENING_CHARS: Final = 140


def listed(lines: Iterable[str], total: int | None = None) -> str:
    """Return lines as a list, at most `MAX_LINES` of them, with the number left out."""
    every = list(lines)
    shown = [f"- {line}" for line in every[:MAX_LINES]]
    left = max(total or 0, len(every)) - len(shown)
    return "\n".join([*shown, f"- … and {left} more"] if left > 0 else shown)


def counted(number: int, noun: str) -> str:
    """Return "1 task", "2 tasks"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def bold(title: str) -> str:
    """Return a title that stands out, on one line."""
    return f"**{one_line(title)}**"


def one_line(text: str) -> str:
    """Return a text without line breaks and asterisks, which would end the bold print."""
    return " ".join(text.replace("*", "").split())


def opening(text: str) -> str:
    """Return how a text begins, on one line."""
    return shortened(one_line(text), OPENING_CHARS)


def joined(parts: Iterable[str]) -> str:
    """Return the parts that are there, with dots between."""
    return " · ".join(part for part in parts if part)


def paragraphs(*parts: str) -> str:
    """Return the parts that are there, with empty lines between."""
    return "\n\n".join(part for part in parts if part)


def names(titles: Sequence[str]) -> str:
    """Return titles as a sentence lists them."""
    shown = [bold(title) for title in titles]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def time_of(at: datetime) -> str:
    """Return the time of day, "09:00"."""
    return f"{at:%H:%M}"


def moment(at: datetime) -> str:
    """Return a day, with the time of day unless it is midnight, which stands for the day alone."""
    day = spoken_day(at.date())
    return day if (at.hour, at.minute) == (0, 0) else f"{day}, {time_of(at)}"


def period(first: date, last: date) -> str:
    """Return the days from one to another."""
    return spoken_day(first) if first == last else f"{spoken_day(first)} – {spoken_day(last)}"


def length(minutes: int) -> str:
    """Return a duration, "45 min", "1 h", "1 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )


def status_word(status: str) -> str:
    """Return a status as people write it."""
    return status.replace("_", " ")


def task_line(task: Task, now: datetime) -> str:
    """Return a task in one line."""
    start = "" if task.start is None else moment(task.start)
    if task.is_overdue(now):
        start = f"overdue since {start}"
    return joined(
        (bold(task.title), start, f"{task.priority} priority", status_word(task.status), one_line(task.project))
    )


def event_line(event: Event) -> str:
    """Return an event of a day in one line."""
    clock = "all day" if event.all_day else f"{time_of(event.start)}–{time_of(event.end)}"
    task = f"for the task {one_line(event.task)}" if event.task and event.task != event.summary else ""
    return joined((f"{clock} {bold(event.summary)}", task))


def events_by_day(events: Sequence[Event]) -> str:
    """Return events under the days they are on."""
    days = dict.fromkeys(event.start.date() for event in events)
    return "\n\n".join(
        f"**{spoken_day(day)}**\n{listed(event_line(event) for event in events if event.start.date() == day)}"
        for day in days
    )


def span_line(span: Span) -> str:
    """Return free time in one line."""
    return f"{time_of(span.start)}–{time_of(span.end)} ({length(span.minutes)})"


def project_line(project: Project) -> str:
    """Return a project in one line."""
    done = (
        f"{project.done} of {counted(project.total, 'task')} done ({project.percent} %)"
        if project.total
        else "no tasks"
    )
    due = f"until {project.end_date}" if project.end_date else ""
    return joined((bold(project.name), status_word(project.status), done, due))


def text_line(row: Text) -> str:
    """Return a note or a brain dump in one line."""
    written = "" if row.created is None else spoken_day(row.created.date())
    about = opening(row.summary or row.body)
    is_told = about.startswith(one_line(row.title).rstrip("…"))
    return joined((bold(row.title), written, one_line(row.project), "" if is_told else about))


def whole_text(row: Text) -> str:
    """Return a whole note or brain dump."""
    head = text_line(Text(row.id, row.title, "", "", row.project, row.created))
    summary = f"Summary: {one_line(row.summary)}" if row.summary else ""
    return paragraphs(head, summary, shortened(row.body, MAX_BODY_CHARS))
