"""Where open tasks could go: each into the first free time that is long enough, the most urgent first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from graph.offline.asking_tasks import urgency
from graph.offline.rows import Event, Span, Task

MAX_TASKS_A_DAY: Final = 4  # more is a list, not a day
MAX_TASKS: Final = 16  # what one reply can schedule


@dataclass(frozen=True, slots=True)
class Placed:
    """A task and the time proposed for it."""

    task: Task
    span: Span


@dataclass(frozen=True, slots=True)
class Proposal:
    """Which tasks go where, which found no room, and which wait for something."""

    placed: tuple[Placed, ...]
    left: tuple[Task, ...]
    blocked: tuple[Task, ...]

    def on(self, day: date) -> list[Placed]:
        """Return what is proposed for a day, earliest first."""
        return sorted((one for one in self.placed if one.span.start.date() == day), key=lambda one: one.span.start)


def propose(tasks: Sequence[Task], events: Sequence[Event], free: Sequence[Span], now: datetime) -> Proposal:
    """Return a proposal. A task whose event stands in the calendar stays where it is."""
    standing = {event.task or event.summary for event in events}
    open_tasks = {task.id or task.title: task for task in tasks if task.is_open and task.title not in standing}
    blocked = [task for task in open_tasks.values() if task.status == "blocked"]
    ready = [task for task in open_tasks.values() if task.status != "blocked"]
    room, taken = list(free), Counter[date]()
    placed: list[Placed] = []
    left: list[Task] = []
    for task in sorted(ready, key=lambda task: urgency(task, now)):
        span = _take(room, taken, task) if len(placed) < MAX_TASKS else None
        if span is None:
            left.append(task)
        else:
            placed.append(Placed(task, span))
    return Proposal(tuple(placed), tuple(left), tuple(blocked))


def _take(room: list[Span], taken: Counter[date], task: Task) -> Span | None:
    """Take time out of the room: on the task's own day if it has one there, else the first that fits."""
    length = timedelta(minutes=task.minutes)
    fitting = [
        place
        for place, span in enumerate(room)
        if span.end - span.start >= length and taken[span.start.date()] < MAX_TASKS_A_DAY
    ]
    if not fitting:
        return None
    own_day = [place for place in fitting if task.start is not None and room[place].start.date() == task.start.date()]
    place = (own_day or fitting)[0]
    span = Span(room[place].start, room[place].start + length)
    room[place] = Span(span.end, room[place].end)
    taken[span.start.date()] += 1
    return span
