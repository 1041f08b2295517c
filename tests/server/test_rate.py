"""Messages in any minute: exact over all servers, by the database's clock, and said truly to the client."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue

from nodes.asking import ask as asking
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.record import sessions
from persistence.runs import charges
from persistence.runs.charges import Kind
from persistence.scope import Role
from server import rate
from server.accept import Terms, accept
from server.app import HttpServer
from server.bodies import Ask
from server.rate import Rate
from server.refusals import Refused, TooMany
from server.wiring import Planwright
from tests.conftest import TEST_SECRET, Person, new_person
from tests.server.reading import STREAM, refusal, streamed
from tests.spending import Spending, spending_of

MOST: Final = 20
SLACK_SECONDS: Final = 0.9  # a test's own statements take a little time as well
HELLO: Final = Ask(message="Hello")


@pytest.fixture
def spending(admin_dsn: str, person: Person) -> Iterator[Spending]:
    """Give what the person spent."""
    with spending_of(admin_dsn, person) as spent:
        yield spent


@pytest.fixture(scope="module")
async def replicas(admin_dsn: str) -> AsyncIterator[list[Database]]:
    """Give four servers' ways to the database."""
    opened = [Database(admin_dsn, TEST_SECRET) for _ in range(4)]
    for one in opened:
        await one.open()
    yield opened
    for one in opened:
        await one.close()


async def is_accepted(database: Database, person: Person, ask: Ask = HELLO, key: str | None = None) -> bool:
    """Send a message; say whether there was room for it."""
    try:
        await accept(database, person.id, ask, Terms(key=key))
    except TooMany:
        return False
    return True


async def wait_of(database: Database, person: Person) -> int:
    """Return what a message that is refused is told to wait."""
    with pytest.raises(TooMany) as refused:
        await accept(database, person.id, HELLO)
    return int(refused.value.headers["Retry-After"])


# How many


@pytest.mark.figure
async def test_of_two_hundred_at_once_twenty_are_accepted(
    replicas: list[Database], database: Database, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred at once over four servers whose clocks are 90 s apart: twenty, for each of three people."""
    ahead: ContextVar[float] = ContextVar("ahead", default=0.0)
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() + ahead.get())
    people = [await new_person(database) for _ in range(3)]

    async def send(place: int, person: Person) -> bool:
        ahead.set((-90.0, 0.0, 30.0, 90.0)[place % 4])
        return await is_accepted(replicas[place % 4], person)

    sent = [(person, send(place, person)) for place in range(200) for person in people]
    answers = await asyncio.gather(*(one for _, one in sent))
    accepted = [sum(yes for (who, _), yes in zip(sent, answers, strict=True) if who is person) for person in people]
    windows = violated = 0
    for person in people:
        with spending_of(admin_dsn, person) as spent:
            there, over = spent.windows(Kind.REQUEST, MOST)
            windows, violated = windows + there, violated + over
    print(f"requests: 200 at once × 4 servers × {len(people)} people, accepted {accepted}", end="; ")
    print(f"windows {windows}, violated {violated}")
    assert accepted == [MOST] * len(people)
    assert (windows, violated) == (MOST * len(people), 0)


async def test_sixty_at_once_on_one_server(database: Database, person: Person) -> None:
    """What lets sixty through when counting and storing are two things lets twenty through here."""
    answers = await asyncio.gather(*(is_accepted(database, person) for _ in range(60)))
    assert sum(answers) == MOST


async def test_a_slow_trickle_gets_no_more(database: Database, person: Person, spending: Spending) -> None:
    """Twenty at once, then one each three seconds: never more than twenty in any 60 seconds."""
    answers = [await is_accepted(database, person) for _ in range(MOST)]
    for _ in range(25):
        spending.pass_seconds(3)
        answers.append(await is_accepted(database, person))
    assert sum(answers) == MOST + 6, "at 60, 63, … 75 seconds the first twenty are gone"
    assert spending.windows(Kind.REQUEST, MOST)[1] == 0


async def test_people_do_not_share(database: Database, person: Person, stranger: Person) -> None:
    """What one person sends takes nothing from another."""
    for _ in range(MOST):
        await accept(database, person.id, HELLO)
    assert not await is_accepted(database, person)
    assert await is_accepted(database, stranger)


# What is charged


async def test_a_retry_of_what_was_accepted_is_not_charged(database: Database, person: Person) -> None:
    """The same key gives the same run, also when nothing more is let through, and from another server at once."""
    first = await accept(database, person.id, HELLO, Terms(key="k"))
    for _ in range(MOST - 1):
        await accept(database, person.id, HELLO)
    again = await accept(database, person.id, HELLO, Terms(key="k"))
    assert (again.run.id, again.fresh, again.told) == (first.run.id, False, {})
    assert not await is_accepted(database, person, key="another")


async def test_the_last_place_and_its_retries(replicas: list[Database], person: Person) -> None:
    """Of forty requests with one key for the last place, one takes it and all get its run."""
    for _ in range(MOST - 1):
        await accept(replicas[0], person.id, HELLO)
    made = await asyncio.gather(*(accept(replicas[n % 4], person.id, HELLO, Terms(key="k")) for n in range(40)))
    assert len({one.run.id for one in made}) == 1
    assert sum(one.fresh for one in made) == 1


async def test_what_is_refused_is_not_charged(database: Database, person: Person, spending: Spending) -> None:
    """Neither a message for a session that is not there nor one too many takes anything."""
    for _ in range(3):
        with pytest.raises(Refused, match="nothing here"):
            await accept(database, person.id, Ask(message="a", session_id=UUID(int=7)))
    for _ in range(MOST + 5):
        await is_accepted(database, person)
    assert spending.amounts(Kind.REQUEST) == [1] * MOST


async def test_deleting_a_session_gives_nothing_back(database: Database, person: Person) -> None:
    """Whoever deletes what was asked has asked it all the same."""
    made = [await accept(database, person.id, HELLO) for _ in range(MOST)]
    async with database.acting(Role.API, person.identity) as scope:
        for one in made:
            assert await sessions.delete(scope, one.run.session_id)
    assert not await is_accepted(database, person)


# What the client is told


@pytest.mark.parametrize("passed", [0.0, 7.4, 31.0, 50.0])
async def test_retry_after_is_true(database: Database, person: Person, spending: Spending, passed: float) -> None:
    """A retry when it says so is accepted; one second earlier is refused, and told to wait at least one more."""
    for _ in range(MOST):
        await accept(database, person.id, HELLO)
    spending.gather()
    spending.pass_seconds(passed)
    wait = await wait_of(database, person)
    assert 1 <= wait <= 60 - int(passed)
    spending.pass_seconds(wait - 1 - SLACK_SECONDS)
    assert await wait_of(database, person) >= 1
    spending.pass_seconds(1 + SLACK_SECONDS)
    assert [await is_accepted(database, person) for _ in range(MOST + 1)] == [True] * MOST + [False]


@pytest.fixture
async def bounded(http_server: HttpServer, planwright: Planwright, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Give a client of a server that keeps to three messages a minute."""
    engine = replace(planwright.engine, limits=Limits(requests_per_minute=3))
    http_server.api.state.planwright = replace(planwright, engine=engine)
    return client


async def test_the_fields_say_how_much_is_left(bounded: httpx.AsyncClient, spending: Spending) -> None:
    """Every answer names the bound and what is left of it; a refusal agrees with its Retry-After."""
    for left in (2, 1, 0):
        answer = await bounded.post(STREAM, json={"message": "Hello"})
        assert streamed(answer).types[-1] == "done"
        assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
        assert re.fullmatch(rf'"requests";r={left};t=(60|59|58)', answer.headers["RateLimit"])
    spending.pass_seconds(30)
    refused = await bounded.post(STREAM, json={"message": "Hello"})
    assert refusal(refused) == (429, "too_many_requests")
    wait = refused.headers["Retry-After"]
    assert 25 <= int(wait) <= 30
    assert refused.headers["RateLimit"] == f'"requests";r=0;t={wait}'
    assert (await bounded.get(STREAM)).status_code == 200, "reading goes on"


# Tokens at the door

ROOM: Final = Rate(Limits(tokens_per_minute=1_000), least_tokens=400)


async def test_a_message_that_no_minute_has_room_for(database: Database, person: Person) -> None:
    """It would be refused for ever, so it is not told to wait."""
    with pytest.raises(Refused) as refused:
        await accept(database, person.id, HELLO, rate=replace(ROOM, least_tokens=1_001))
    assert (refused.value.status, refused.value.code) == (422, "message_exceeds_budget")
    assert "Retry-After" not in refused.value.headers


async def test_spent_tokens_keep_out_too(database: Database, person: Person, spending: Spending) -> None:
    """Without room for its first model call a message is refused, until there is."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        charges.hold(scope)
        seen = charges.look(scope, Kind.TOKEN, 700, 1_000)
        await scope.sent()
        charges.charge(scope, UUID(int=person.id.int ^ 1), Kind.TOKEN, 700, seen.standing.moment)
    with pytest.raises(TooMany) as refused:
        await accept(database, person.id, HELLO, rate=ROOM)
    wait = int(refused.value.headers["Retry-After"])
    assert (refused.value.status, refused.value.code) == (429, "tokens_spent")
    assert refused.value.headers["RateLimit"] == f'"tokens";r=300;t={wait}'
    await accept(database, person.id, HELLO)
    spending.pass_seconds(wait)
    await accept(database, person.id, HELLO, rate=ROOM)


@pytest.mark.parametrize("told", [{"message": "Hello"}, {"message": "ä" * 8_000}], ids=["short", "long"])
async def test_the_offline_model_costs_nothing(
    client: httpx.AsyncClient, planwright: Planwright, told: dict[str, JsonValue]
) -> None:
    """Its tokens are an estimate for the eye: a message to it needs room for none."""
    assert planwright.engine.least_tokens(str(told["message"])) == 0
    assert streamed(await client.post(STREAM, json=told)).types[-1] == "done"


# Whose clock


@pytest.mark.parametrize("module", [rate, charges], ids=["server/rate.py", "persistence/runs/charges.py"])
def test_no_limit_reads_the_clock_of_its_process(module: object) -> None:
    """Every moment is one of the database's clock."""
    text = Path(str(getattr(module, "__file__", ""))).read_text()
    assert not re.search(r"\b(time\(|monotonic|perf_counter|datetime\.now|utcnow|import time)", text)


def test_a_reservation_waits_by_what_the_database_says() -> None:
    """Of the process's own clock a model call asks only how long it took."""
    text = Path(asking.__file__).read_text()
    assert re.findall(r"time\.\w+\(\)( - started)?", text) == ["", " - started"]
