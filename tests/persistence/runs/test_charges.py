"""What a person spends in any minute: the sliding log, driven with a clock that the test moves."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.errors import NoRoom
from persistence.pools import Database
from persistence.runs import charges, reservations
from persistence.runs.charges import CARRIED_WINDOWS_MAX, WINDOW_SECONDS, Kind, Standing
from persistence.runs.reservations import Wanted
from persistence.runs.usage import Price
from persistence.scope import Identity, Role, Scope
from tests.conftest import Person, new_person
from tests.run_rows import Office, new_planner, run_of
from tests.spending import Spending, spending_of

MOST: Final = 100
SLACK_SECONDS: Final = 0.5  # the test's own statements take a little time as well


@pytest.fixture
def spending(admin_dsn: str, person: Person) -> Iterator[Spending]:
    """Give what the person spent."""
    with spending_of(admin_dsn, person) as spent:
        yield spent


@dataclass(frozen=True)
class AtWork:
    """A run of somebody's, and its planner."""

    run_id: UUID
    id: UUID


async def at_work(database: Database, person: Person) -> AtWork:
    """Return a run of the person's, begun when there was none."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        begun = await scope.one(AtWork, "select run_id, id from agents")
    if begun is not None:
        return begun
    office = Office(database, person)
    worker = await office.begin()
    session_id = (await office.row(run_of(worker))).session_id
    async with office.working(worker) as scope:
        planner_id = new_planner(scope, session_id, run_of(worker), [], "Plan.")
    return AtWork(run_of(worker), planner_id)


async def reserve(database: Database, person: Person, tokens: int) -> UUID:
    """Reserve tokens for a call; return the call."""
    planner = await at_work(database, person)
    wanted = Wanted(uuid4(), planner.id, "decide", "deep", Price(0, tokens), is_last=False, is_free=False)
    async with database.acting(Role.WORKER, person.identity) as scope:
        reserving = reservations.reserve(scope, planner.run_id, wanted, calls_at_most=1_000_000, tokens_at_most=MOST)
    if not reserving.verdict.admitted:
        raise NoRoom(reserving.verdict.wait_seconds)
    return wanted.id


async def settle(database: Database, person: Person, call_id: UUID, tokens: int) -> None:
    """Say what a call cost."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        reserved = await scope.value(int, "select amount from charges where id = %s", (call_id,)) or 0
        await charges.settle(scope, call_id, tokens, reserved, MOST)


async def spend(database: Database, person: Person, tokens: int) -> None:
    """Make a call that costs what was reserved for it."""
    await settle(database, person, await reserve(database, person, tokens), tokens)


async def standing(database: Database, person: Person, wanted: int = 1) -> Standing:
    """Return what the person spent."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        return await look(scope, wanted)


async def look(scope: Scope, wanted: int, moment: datetime | None = None) -> Standing:
    """Return what the person spent at a moment."""
    charges.hold(scope)
    seen = charges.look(scope, Kind.TOKEN, wanted, MOST, moment)
    await scope.sent()
    return seen.standing


async def refused(database: Database, person: Person, tokens: int) -> float:
    """Return how long a reservation that is refused has to wait."""
    with pytest.raises(NoRoom) as full:
        await reserve(database, person, tokens)
    return full.value.wait_seconds


# A reservation


async def test_what_was_not_used_is_given_back(database: Database, person: Person) -> None:
    """Reserve 80, use 5: 75 are there again at once."""
    call_id = await reserve(database, person, 80)
    assert (await standing(database, person)).used == 80
    await settle(database, person, call_id, 5)
    assert (await standing(database, person)).used == 5
    await reserve(database, person, 95)


async def test_a_call_under_way_counts_however_long_it_takes(
    database: Database, person: Person, spending: Spending
) -> None:
    """A reservation of two minutes ago is still reserved; what it cost counts from when it was settled."""
    call_id = await reserve(database, person, MOST)
    spending.pass_seconds(2 * WINDOW_SECONDS)
    assert await refused(database, person, 1) == 0, "nobody knows for how long"
    await settle(database, person, call_id, MOST)
    assert await refused(database, person, 1) == pytest.approx(WINDOW_SECONDS, abs=SLACK_SECONDS)


async def test_many_at_once_reserve_no_more_than_there_is(database: Database, person: Person) -> None:
    """Forty calls at once, each of a tenth of what there is: ten are let through."""
    await at_work(database, person)
    ended = await asyncio.gather(*(reserve(database, person, 10) for _ in range(40)), return_exceptions=True)
    assert sum(isinstance(one, UUID) for one in ended) == 10
    assert (await standing(database, person)).used == MOST


async def test_a_call_is_settled_once(database: Database, person: Person) -> None:
    """The second word on what a call cost changes nothing."""
    call_id = await reserve(database, person, 50)
    await settle(database, person, call_id, 20)
    await settle(database, person, call_id, 40)
    assert (await standing(database, person)).used == 20


# The wait


async def test_room_comes_when_enough_has_left(database: Database, person: Person, spending: Spending) -> None:
    """One waits for as many of the oldest charges as stand in the way, and no longer."""
    for tokens in (30, 30, 40):
        await spend(database, person, tokens)
        spending.pass_seconds(10)
    for wanted, wait in ((10, 30), (30, 30), (31, 40), (60, 40), (61, 50), (100, 50)):
        assert (await standing(database, person, wanted)).wait_seconds == pytest.approx(wait, abs=SLACK_SECONDS)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_window_ever_holds_more(database: Database, admin_dsn: str, data: st.DataObject) -> None:
    """Whatever is reserved, settled at more or less and waited for: each window, recomputed, is within its bound.

    And the wait is true: at its end there is room, a moment before there is none.
    """
    person = await new_person(database)
    open_calls: list[UUID] = []
    with spending_of(admin_dsn, person) as spending:
        for _ in range(data.draw(st.integers(5, 15))):
            match data.draw(st.sampled_from(["reserve", "settle", "pass"])):
                case "reserve":
                    tokens = data.draw(st.integers(1, MOST))
                    try:
                        open_calls.append(await reserve(database, person, tokens))
                    except NoRoom:
                        await check_wait(database, person, tokens)
                case "settle" if open_calls:
                    await settle(database, person, open_calls.pop(0), data.draw(st.integers(0, 3 * MOST)))
                case _:
                    spending.pass_seconds(data.draw(st.floats(0, 70)))
            stands = await standing(database, person)
            ahead = await charged_ahead(database, person)
            assert stands.used - ahead <= MOST
        assert spending.windows(Kind.TOKEN, MOST)[1] == 0


async def check_wait(database: Database, person: Person, tokens: int) -> None:
    """Hold that what is charged has room for the tokens when the wait is over, and not a millisecond before."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        now = await look(scope, tokens)
        wait = now.wait_seconds
        for passed, is_over in ((wait - 0.001, wait == 0), (wait + 0.000_001, True)):
            stands = await look(scope, tokens, now.moment + timedelta(seconds=passed))
            assert (stands.wait_seconds == 0) == is_over


async def charged_ahead(database: Database, person: Person) -> int:
    """Return what is carried into windows to come."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        query = "select coalesce(sum(amount), 0)::bigint from charges where charged_at > clock_timestamp()"
        return await scope.value(int, query) or 0


# More than was reserved


async def test_what_goes_over_is_charged_while_there_is_room(database: Database, person: Person) -> None:
    """A call that cost more than was reserved is charged in full, if the window has it."""
    await settle(database, person, await reserve(database, person, 10), 70)
    assert (await standing(database, person)).used == 70


async def test_what_has_no_room_is_carried(database: Database, person: Person, spending: Spending) -> None:
    """What the window has no room for is charged in the windows behind it, and keeps others out until it is paid."""
    await settle(database, person, await reserve(database, person, 10), 250)
    assert spending.amounts(Kind.TOKEN) == [100, 100, 50]
    assert spending.windows(Kind.TOKEN, MOST) == (3, 0)
    assert await refused(database, person, 1) == pytest.approx(2 * WINDOW_SECONDS, abs=SLACK_SECONDS)
    spending.pass_seconds(2 * WINDOW_SECONDS)
    assert await refused(database, person, 51) > 0
    await reserve(database, person, 50)


async def test_nothing_is_carried_for_ever(database: Database, person: Person, spending: Spending) -> None:
    """A provider that counts a million for one call costs its person ten minutes, not a week."""
    await settle(database, person, await reserve(database, person, 10), 1_000_000)
    assert len(spending.amounts(Kind.TOKEN)) == 1 + CARRIED_WINDOWS_MAX
    assert spending.windows(Kind.TOKEN, MOST)[1] == 0


# What is kept


async def expire(database: Database) -> int:
    """Do the upkeep; return how many impossible charges there were."""
    async with database.acting(Role.WORKER, Identity(UUID(int=0))) as scope:
        return await charges.expire(scope)


async def test_old_charges_go(database: Database, person: Person, spending: Spending) -> None:
    """What no window holds is deleted, what one still holds is not."""
    await spend(database, person, 10)
    spending.pass_seconds(3600)
    await spend(database, person, 20)
    await expire(database)
    assert spending.amounts(Kind.TOKEN) == [20]


async def test_an_impossible_charge_keeps_out_until_the_upkeep(
    database: Database, person: Person, spending: Spending
) -> None:
    """A charge of the year 9999 fails closed; the next round of upkeep removes it and says so."""
    await spend(database, person, MOST)
    spending.administrator.execute(
        "update planwright.charges set charged_at = '9999-01-01' where user_id = %s", (person.id,)
    )
    await refused(database, person, 1)
    assert await expire(database) >= 1
    await reserve(database, person, 1)


async def test_a_reservation_whose_call_is_no_more_is_charged(
    database: Database, person: Person, spending: Spending
) -> None:
    """A call that was deleted with its session is never settled: what was reserved is charged, and leaves in time."""
    await reserve(database, person, MOST)
    async with database.acting(Role.API, person.identity) as scope:
        assert await scope.execute("delete from chat_sessions") == 1
    await expire(database)
    assert await refused(database, person, 1) > WINDOW_SECONDS - 10
    spending.pass_seconds(WINDOW_SECONDS)
    await reserve(database, person, 1)


async def test_a_person_cannot_forget_what_was_spent(database: Database, person: Person) -> None:
    """No login of the program may delete a charge."""
    for role in Role:
        async with database.acting(role, person.identity) as scope:
            query = "select has_table_privilege(current_user, 'charges', 'delete')"
            assert await scope.value(bool, query) is False
