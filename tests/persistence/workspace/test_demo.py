"""The demo workspace is believable, around today, and stored once."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from persistence.pools import Database
from persistence.scope import Role, Scope
from persistence.workspace import demo
from tests.conftest import Person, new_person

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
A_SUNDAY_NIGHT = datetime(2027, 3, 28, 21, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Number:
    """A count."""

    n: int


@dataclass(frozen=True)
class Line:
    """A row as one text."""

    line: str


async def seed(database: Database, person: Person, now: datetime = NOW) -> None:
    """Seed a person's workspace."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        await demo.seed(scope, now, BERLIN)


async def counted(scope: Scope) -> dict[str, int]:
    """Count the person's rows."""
    return {
        "projects": (await scope.only(Number, "select count(*) as n from projects")).n,
        "tasks": (await scope.only(Number, "select count(*) as n from tasks")).n,
        "notes": (await scope.only(Number, "select count(*) as n from notes")).n,
        "brain_dumps": (await scope.only(Number, "select count(*) as n from brain_dumps")).n,
    }


async def test_the_workspace_has_what_was_promised(database: Database, person: Person) -> None:
    """4 projects, 40 tasks, 12 notes and 6 brain dumps, and a second seeding changes nothing."""
    await seed(database, person)
    await seed(database, person)
    async with database.acting(Role.EXECUTOR, person.identity) as scope:
        assert await counted(scope) == {"projects": 4, "tasks": 40, "notes": 12, "brain_dumps": 6}
        assert await demo.is_seeded(scope)


async def test_a_person_without_it_is_not_seeded(database: Database, person: Person, stranger: Person) -> None:
    """Seeding one person's workspace leaves another's empty."""
    await seed(database, person)
    async with database.acting(Role.EXECUTOR, stranger.identity) as scope:
        assert not await demo.is_seeded(scope)
        assert await counted(scope) == {"projects": 0, "tasks": 0, "notes": 0, "brain_dumps": 0}


@pytest.mark.parametrize("now", [NOW, A_SUNDAY_NIGHT])
async def test_there_is_something_to_ask_about(database: Database, person: Person, now: datetime) -> None:
    """There are overdue tasks, subtasks, phases, waiting and blocked tasks, tasks without a project."""
    await seed(database, person, now)
    async with database.acting(Role.EXECUTOR, person.identity) as scope:
        found = await scope.only(
            Counts,
            """
            select count(*) filter (where start_date < %(now)s and status <> 'done') as overdue,
                count(parent_task_id) as subtasks,
                count(*) filter (where dependencies <> '{}') as waiting,
                count(*) filter (where status = 'blocked') as blocked,
                count(*) filter (where project_id is null) as alone,
                count(*) filter (where completed_at > %(now)s) as done_tomorrow,
                count(*) filter (where created_at > %(now)s) as made_tomorrow,
                (select count(*) from phase_tasks) as in_phases
            from tasks
            """,
            {"now": now},
        )
    assert found.overdue >= 5
    assert found.subtasks == 4
    assert found.waiting >= 5
    assert found.blocked >= 3
    assert found.alone == 2
    assert found.in_phases == 34
    assert (found.done_tomorrow, found.made_tomorrow) == (0, 0)


@dataclass(frozen=True)
class Counts:
    """What the tasks of a workspace are like."""

    overdue: int
    subtasks: int
    waiting: int
    blocked: int
    alone: int
    done_tomorrow: int
    made_tomorrow: int
    in_phases: int


@pytest.mark.parametrize("now", [NOW, A_SUNDAY_NIGHT])
async def test_the_calendar_spans_two_weeks_around_today(database: Database, person: Person, now: datetime) -> None:
    """Events lie before and after today, some for tasks, one a series, one all day, none at the weekend."""
    await seed(database, person, now)
    async with database.acting(Role.EXECUTOR, person.identity) as scope:
        found = await scope.only(
            EventCounts,
            """
            select count(*) filter (where e.starts_at between %(now)s - interval '8 days' and %(now)s) as week_before,
                count(*) filter (where e.starts_at between %(now)s and %(now)s + interval '8 days') as week_after,
                count(*) filter (where e.recurrence = 'weekdays') as stand_ups,
                count(*) filter (where e.all_day) as all_day,
                count(*) filter (where extract(isodow from e.starts_at at time zone e.time_zone) > 5) as at_weekend,
                count(*) filter (where t.start_date is distinct from e.starts_at and t.id is not null) as disagreeing,
                count(t.id) as linked
            from calendar_events e
            left join task_calendar_events l on l.event_id = e.id
            left join tasks t on t.id = l.task_id
            """,
            {"now": now},
        )
    assert found.week_before >= 3
    assert found.week_after >= 8
    assert (found.stand_ups, found.all_day, found.at_weekend, found.disagreeing) == (1, 1, 0, 0)
    assert found.linked >= 8


@dataclass(frozen=True)
class EventCounts:
    """What the events of a workspace are like."""

    week_before: int
    week_after: int
    stand_ups: int
    all_day: int
    at_weekend: int
    disagreeing: int
    linked: int


async def test_the_same_moment_gives_the_same_workspace(database: Database, person: Person) -> None:
    """Two people who are seeded at one moment have the same rows, ids apart."""
    other = await new_person(database)
    texts: list[list[Line]] = []
    for someone in (person, other):
        await seed(database, someone)
        async with database.acting(Role.EXECUTOR, someone.identity) as scope:
            texts.append(
                await scope.all(
                    Line,
                    """
                    select concat_ws('|', title, status, priority, start_date, created_at, completed_at) as line
                    from tasks
                    union all
                    select concat_ws('|', summary, starts_at, ends_at, recurrence) from calendar_events
                    order by line
                    """,
                )
            )
    assert texts[0] == texts[1]


async def test_seeding_is_quick(database: Database, person: Person) -> None:
    """The whole workspace is stored in well under a second, so that a demo begins at once."""
    started = time.monotonic()
    await seed(database, person)
    assert time.monotonic() - started < 1.0
