"""How much Postgres looks at to answer a question of a person who has far more rows than anybody.

The planner knows nothing of whose rows there are (`test_statistics.py`), so a plan
is good by the shape of query and index, or it is good by accident. Counted are index
entries and rows, as Postgres itself counts them for the transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
import pytest

from persistence.place import Place
from persistence.pools import Database
from persistence.record import messages, plans, sessions
from persistence.runs import events, listing, runs, usage, waiting
from persistence.runs.listing import Wanted
from persistence.runs.runs import NewRun, RunStatus
from persistence.scope import Role, Scope
from persistence.workspace import brain_dumps, notes, projects, tasks
from tests.bench.large_person import LONG_RUN_EVENTS, NOTES, TASKS, seed
from tests.conftest import Person, new_person
from tests.run_rows import inserted

SESSIONS: Final = 3_000
SHOWN: Final = 20
OF_OTHERS: Final = 500  # a table of less than that, all people's rows together, may well be sorted
HOUR: Final = timedelta(hours=1)
OF_AN_HOUR: Final = 60  # one a minute
ENTRY_AND_ROW: Final = 2  # each thing found is one index entry and one row


@dataclass(frozen=True)
class Owner:
    """A person with very many rows, and some ids among them."""

    person: Person
    session_id: UUID
    long_session: UUID
    long_run: UUID
    middle: Place
    runs: list[UUID]


@pytest.fixture(scope="module")
async def owner(database: Database, admin_dsn: str) -> Owner:
    """Give somebody with thousands of sessions, and a fresh sample of them to the planner."""
    person = await new_person(database)
    other = await new_person(database)
    with psycopg.connect(admin_dsn) as admin:
        admin.execute(
            "insert into planwright.projects (user_id, name, slug) select %s, n, n from generate_series(1, %s) n",
            (other.id, OF_OTHERS),
        )
    await asyncio.to_thread(seed, admin_dsn, person.id, SESSIONS)
    async with database.acting(Role.API, person.identity) as scope:
        session_id = await scope.value(UUID, "select id from chat_sessions where title = 'Session 2000'")
        long_session = await scope.value(UUID, "select id from chat_sessions where title = 'Session 1'")
        long_run = await scope.value(UUID, "select id from runs order by last_seq desc limit 1")
        middle = await scope.only(
            Place, "select created_at as at, id from runs order by created_at desc offset %s limit 1", (SESSIONS // 2,)
        )
        shown = [run.id for run in await listing.page(scope, Wanted(), middle, SHOWN)]
    assert session_id is not None
    assert long_session is not None
    assert long_run is not None
    return Owner(person, session_id, long_session, long_run, middle, shown)


async def looked_at(scope: Scope, table: str, ask: Callable[[], Awaitable[object]]) -> int:
    """Return how many rows of a table and entries of its indexes a question looks at."""
    before = await _counted(scope, table)
    await ask()
    return await _counted(scope, table) - before


async def _counted(scope: Scope, table: str) -> int:
    counted = await scope.value(
        int,
        """
        select sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::integer from (
            select %(table)s::regclass::oid as oid
            union all select indexrelid from pg_index where indrelid = %(table)s::regclass
        ) as relations
        """,
        {"table": table},
    )
    assert counted is not None
    return counted


Ask = Callable[[Scope, Owner], Awaitable[object]]

OF_THE_API: Final[dict[str, tuple[Ask, str, int]]] = {
    "list of sessions": (lambda scope, _: sessions.newest(scope, SHOWN), "chat_sessions", SHOWN),
    "session": (lambda scope, owner: messages.of_session(scope, owner.session_id, 500), "chat_messages", 2),
    "list of runs": (lambda scope, _: runs.newest(scope, SHOWN), "runs", SHOWN),
    "page of sessions": (lambda scope, owner: sessions.page(scope, "", owner.middle, SHOWN), "chat_sessions", SHOWN),
    "sessions by their title": (
        lambda scope, owner: sessions.page(scope, "session", owner.middle, SHOWN),
        "chat_sessions",
        SHOWN,
    ),
    "unfinished runs of sessions": (lambda scope, owner: waiting.first_of(scope, owner.runs), "runs", 0),
    "page of runs": (lambda scope, owner: listing.page(scope, Wanted(), owner.middle, SHOWN), "runs", SHOWN),
    "runs of a time": (
        lambda scope, owner: listing.page(scope, Wanted(until=owner.middle.at), None, SHOWN),
        "runs",
        SHOWN,
    ),
    "runs that wait": (
        lambda scope, _: listing.page(scope, Wanted(statuses=[RunStatus.WAITING]), None, SHOWN),
        "runs",
        0,
    ),
    "runs of a session": (
        lambda scope, owner: listing.of_session(scope, owner.long_session, Wanted(), None, SHOWN),
        "runs",
        SHOWN,
    ),
    "what led to them": (
        lambda scope, owner: listing.of_session(scope, owner.long_session, Wanted(), None, SHOWN),
        "chat_messages",
        SHOWN,
    ),
    "plans of runs": (lambda scope, owner: plans.progress_of(scope, owner.runs), "agent_plans", SHOWN),
    "model calls of runs": (lambda scope, owner: usage.by_model(scope, owner.runs), "model_usage", SHOWN),
    "page of tasks": (lambda scope, owner: tasks.page(scope, "", owner.middle, SHOWN), "tasks", SHOWN),
    "page of notes": (lambda scope, owner: notes.page(scope, "", owner.middle, SHOWN), "notes", SHOWN),
    "page of brain dumps": (
        lambda scope, owner: brain_dumps.page(scope, "", owner.middle, SHOWN),
        "brain_dumps",
        SHOWN,
    ),
    "page of projects": (lambda scope, _: projects.page(scope, "", None, SHOWN), "projects", SHOWN),
    "runs of an hour": (lambda scope, _: runs.accepted_since(scope, datetime.now(UTC) - HOUR), "runs", OF_AN_HOUR),
    "runs at work": (lambda scope, _: runs.at_work(scope), "runs", 0),
    "use of an hour": (lambda scope, _: usage.since(scope, datetime.now(UTC) - HOUR), "model_usage", OF_AN_HOUR),
    "log from the middle": (
        lambda scope, owner: events.after(scope, owner.long_run, LONG_RUN_EVENTS // 2, SHOWN),
        "run_events",
        SHOWN,
    ),
    "log from the end": (
        lambda scope, owner: events.read_behind(scope, owner.long_run, LONG_RUN_EVENTS - 1, SHOWN),
        "run_events",
        1,
    ),
}
OF_TOOLS: Final[dict[str, Ask]] = {
    "tasks": lambda scope, _: tasks.listed(scope, tasks.Wanted(), "priority", SHOWN),
    "notes": lambda scope, _: notes.search(scope, notes.Wanted(), SHOWN),
    "brain dumps": lambda scope, _: brain_dumps.search(scope, brain_dumps.Wanted(), SHOWN),
    "page of tasks": lambda scope, owner: tasks.page(scope, "", owner.middle, SHOWN),
    "page of notes": lambda scope, owner: notes.page(scope, "", owner.middle, SHOWN),
    "page of brain dumps": lambda scope, owner: brain_dumps.page(scope, "", owner.middle, SHOWN),
}


@pytest.mark.parametrize("asked", OF_THE_API)
async def test_a_list_looks_at_what_it_shows(database: Database, owner: Owner, asked: str) -> None:
    """However many rows there are, a list looks at those that it shows, and at nothing else."""
    ask, table, found = OF_THE_API[asked]
    async with database.acting(Role.API, owner.person.identity) as scope:
        assert await looked_at(scope, table, lambda: ask(scope, owner)) <= ENTRY_AND_ROW * (found + 1)


@pytest.mark.parametrize("asked", OF_TOOLS)
async def test_projects_are_looked_up_for_what_is_shown(database: Database, owner: Owner, asked: str) -> None:
    """Of the things that fit, only those that are shown get their project's name looked up."""
    async with database.acting(Role.EXECUTOR, owner.person.identity) as scope:
        assert await looked_at(scope, "projects", lambda: OF_TOOLS[asked](scope, owner)) <= ENTRY_AND_ROW * SHOWN


async def test_a_turn_of_a_long_session_looks_at_what_it_needs(database: Database, owner: Owner) -> None:
    """In a session of thousands of messages and runs, the next turn reads the newest messages and no other run."""
    async with database.acting(Role.API, owner.person.identity) as scope:
        run = await inserted(scope, NewRun(owner.long_session, "And now?", "digest"))
        assert run is not None

        async def add() -> None:
            messages.insert(scope, owner.long_session, run.id, "user", "And now?")
            await scope.sent()

        adding = await looked_at(scope, "runs", add)
        reading = await looked_at(scope, "chat_messages", lambda: messages.before_run(scope, run.id, SHOWN))
    assert adding <= ENTRY_AND_ROW
    assert reading <= ENTRY_AND_ROW * (SHOWN + 1) + 1


async def test_the_counting_counts(database: Database, owner: Owner) -> None:
    """A question that has to look at everything is seen to do so: the small numbers above are no accident."""
    async with database.acting(Role.EXECUTOR, owner.person.identity) as scope:
        every_task = await looked_at(scope, "tasks", lambda: tasks.listed(scope, tasks.Wanted(), "priority", SHOWN))
        every_note = await looked_at(scope, "notes", lambda: notes.search(scope, notes.Wanted("nowhere"), SHOWN))
    assert every_task >= TASKS
    assert every_note >= NOTES
