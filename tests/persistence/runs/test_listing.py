"""Lists of runs, by what somebody looks for in them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from persistence.place import Place
from persistence.pools import Database
from persistence.record import messages
from persistence.runs import listing, waiting
from persistence.runs.listing import Wanted
from persistence.runs.runs import Run, RunStatus
from tests.conftest import Person
from tests.run_rows import Office


@pytest.fixture
def office(database: Database, person: Person) -> Office:
    """Give a person's runs."""
    return Office(database, person)


async def asked(office: Office, session_id: UUID, request: str) -> Run:
    """Queue a run with its message, as a message that was accepted has one."""
    run = await office.queue(session_id)
    async with office.asking() as scope:
        messages.insert(scope, session_id, run.id, "user", request)
        await scope.execute("update runs set request = %s where id = %s", (request, run.id))
    return await office.row(run.id)


async def all_pages(office: Office, wanted: Wanted, limit: int, session_id: UUID | None = None) -> list[UUID]:
    """Return the ids of a list that is read to its end, page by page."""
    found: list[Run] = []
    while True:
        after = Place(found[-1].created_at, found[-1].id) if found else None
        async with office.asking() as scope:
            if session_id is None:
                rows = await listing.page(scope, wanted, after, limit)
            else:
                rows = await listing.of_session(scope, session_id, wanted, after, limit)
        if not rows:
            return [run.id for run in found]
        found += rows


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_hold_every_run_once(office: Office, limit: int) -> None:
    """Whatever the size of a page, all pages together are the list, newest first; runs of one moment too."""
    sessions = [await office.new_session(), await office.new_session()]
    made = [(await asked(office, session, "hello")).id for session in sessions for _ in range(4)]
    async with office.asking() as scope:
        moment = "update runs set created_at = (select min(created_at) from runs) where id = any(%s)"
        await scope.execute(moment, (made[1:3],))
    runs = [await office.row(run_id) for run_id in made]
    newest_first = [
        run.id for run in sorted(sorted(runs, key=lambda run: run.id), key=lambda run: run.created_at, reverse=True)
    ]
    assert await all_pages(office, Wanted(), limit) == newest_first
    assert await all_pages(office, Wanted(), limit, sessions[1]) == made[:3:-1]


async def test_a_session_goes_on_behind_none_of_anothers(office: Office) -> None:
    """Behind a run that is not the session's there is nothing."""
    one, other = await office.new_session(), await office.new_session()
    run = await asked(office, one, "hello")
    await asked(office, other, "hello")
    async with office.asking() as scope:
        assert await listing.of_session(scope, other, Wanted(), Place(run.created_at, run.id), 10) == []
        assert await listing.of_session(scope, other, Wanted(), Place(run.created_at, uuid4()), 10) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", {"100% of it", "100 of it", r"a\b", "a_b", "axb"}),
        ("  ", {"100% of it", "100 of it", r"a\b", "a_b", "axb"}),
        ("%", {"100% of it"}),
        ("_", {"a_b"}),
        ("\\", {r"a\b"}),
        ("A_B", {"a_b"}),
        ("OF IT", {"100% of it", "100 of it"}),
        ("' or true --", set[str]()),
    ],
)
async def test_a_search_takes_every_character_as_it_is(office: Office, search: str, found: set[str]) -> None:
    """No character of a search is a wildcard; case does not count."""
    session = await office.new_session()
    for request in ("100% of it", "100 of it", r"a\b", "a_b", "axb"):
        await asked(office, session, request)
    async with office.asking() as scope:
        of_all = await listing.page(scope, Wanted(search), None, 10)
        of_one = await listing.of_session(scope, session, Wanted(search), None, 10)
    assert {run.request for run in of_all} == {run.request for run in of_one} == found


HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(statuses=[RunStatus.QUEUED]), "a"),
        (Wanted(statuses=[RunStatus.RUNNING, RunStatus.QUEUED]), "ab"),
        (Wanted(statuses=[RunStatus.DONE]), "c"),
        (Wanted(statuses=[RunStatus.DONE, RunStatus.RUNNING, RunStatus.WAITING]), "bc"),
        (Wanted(statuses=list(RunStatus)), "abcd"),
        (Wanted(strategies=["simple"]), "b"),
        (Wanted(strategies=["simple", "complex"]), "bc"),
        (Wanted(statuses=[RunStatus.ERROR], strategies=["simple"]), ""),
        (Wanted(since=NOON + HOUR), "bcd"),
        (Wanted(until=NOON + HOUR), "a"),
        (Wanted(since=NOON + HOUR, until=NOON + 3 * HOUR), "bc"),
        (Wanted(since=NOON + 3 * HOUR, until=NOON + HOUR), ""),
        (Wanted("A"), "a"),
    ],
)
async def test_a_list_holds_what_is_wanted(office: Office, wanted: Wanted, found: str) -> None:
    """A run is in a list when it has one of the statuses, one of the strategies and a time between the two."""
    rows = {"a": ("queued", None), "b": ("running", "simple"), "c": ("done", "complex"), "d": ("error", None)}
    for place, (name, (status, strategy)) in enumerate(rows.items()):
        run = await asked(office, await office.new_session(), name)
        async with office.asking() as scope:
            await scope.execute(
                """
                update runs set status = %(status)s, strategy = %(strategy)s, created_at = %(at)s,
                    finished_at = case when %(status)s in ('done', 'error') then now() end
                where id = %(id)s
                """,
                {"status": status, "strategy": strategy, "at": NOON + place * HOUR, "id": run.id},
            )
    async with office.asking() as scope:
        assert "".join(run.request for run in await listing.page(scope, wanted, None, 10))[::-1] == found


async def test_a_session_has_a_run_at_work_or_next(office: Office) -> None:
    """Of several unfinished runs of a session the first is named; a session without any is left out."""
    busy, idle = await office.new_session(), await office.new_session()
    first = await asked(office, busy, "one")
    worker = await office.take(first.id)
    second = await asked(office, busy, "two")
    async with office.asking() as scope:
        assert [(of.session_id, of.id, of.status) for of in await waiting.first_of(scope, [busy, idle])] == [
            (busy, first.id, "running")
        ]
    await office.finish(worker)
    async with office.asking() as scope:
        assert [(of.id, of.status) for of in await waiting.first_of(scope, [busy, idle])] == [(second.id, "queued")]
