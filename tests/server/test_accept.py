"""Accepting messages."""

import asyncio
import json
from typing import Literal
from uuid import UUID, uuid4

import pytest

from graph.turn import Engine
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.precedence import Precedence
from persistence.queue import Queue
from persistence.record import messages, sessions
from persistence.runs import events, quoted_history, runs
from persistence.scope import Role
from server.accept import HISTORY_MAX_BYTES, Accepted, Terms, accept, digest_of, quoted, title_of
from server.bodies import Ask, Quoted
from server.rate import Rate, turn_of
from server.refusals import Refused
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.server.conftest import running
from tests.server.scripted_turns import ScriptedTurns


async def project_of(database: Database, person: Person) -> UUID:
    """Give the person a project."""
    async with database.acting(Role.WORKER, person.identity) as scope:
        project_id = await scope.value(UUID, "insert into projects (name, slug) values ('A', 'a') returning id")
    assert project_id is not None
    return project_id


async def test_everything_about_a_message_is_stored_at_once(database: Database, person: Person) -> None:
    """One transaction stores session, message, run and the first event, whose ids are those of the rows."""
    accepted = await accept(database, person.id, Ask(message="Plan my week, please"))
    async with database.acting(Role.API, person.identity) as scope:
        session = await sessions.find(scope, accepted.run.session_id)
        said = await messages.of_session(scope, accepted.run.session_id, 10)
        logged = await events.after(scope, accepted.run.id, 0, 10)
    assert session is not None
    assert (session.title, session.message_count, session.context_type) == ("Plan my week, please", 1, "global")
    assert [(one.role, one.content, one.run_id) for one in said] == [("user", "Plan my week, please", accepted.run.id)]
    first = json.loads(logged[0].payload)
    assert [event.seq for event in logged] == [1]
    assert (first["session"]["id"], first["run"]["id"]) == (str(session.id), str(accepted.run.id))
    assert first["session"]["message_count"] == 1


async def test_a_session_is_gone_on_with(database: Database, person: Person) -> None:
    """A message with a session's id joins that session, and its place stays what it was."""
    project_id = await project_of(database, person)
    first = await accept(database, person.id, Ask(message="a", context_type="project", entity_id=project_id))
    second = await accept(database, person.id, Ask(message="b", session_id=first.run.session_id))
    async with database.acting(Role.API, person.identity) as scope:
        session = await sessions.find(scope, second.run.session_id)
        assert await runs.queue_place(scope, second.run.id) == 1
    assert session is not None
    assert (session.id, session.entity_id, session.message_count) == (first.run.session_id, project_id, 2)


async def refused(database: Database, person: Person, ask: Ask) -> str:
    """Return the code with which a message is refused."""
    with pytest.raises(Refused) as refusal:
        await accept(database, person.id, ask)
    return refusal.value.code


async def test_what_is_someone_elses_is_not_there(database: Database, person: Person, stranger: Person) -> None:
    """Someone else's session or project is refused exactly like one that does not exist."""
    project_id = await project_of(database, stranger)
    theirs = await accept(database, stranger.id, Ask(message="a"))
    for session_id in (theirs.run.session_id, uuid4()):
        assert await refused(database, person, Ask(message="b", session_id=session_id)) == "not_found"
    for entity_id in (project_id, uuid4()):
        ask = Ask(message="b", context_type="project", entity_id=entity_id)
        assert await refused(database, person, ask) == "not_found"


@pytest.mark.parametrize("message", ["a" * 16_385, "🙂" * 4_097], ids=["one byte too many", "bytes, not letters"])
async def test_a_message_has_its_longest(database: Database, person: Person, message: str) -> None:
    """A message of 16 KiB is taken, and of as much as is set; one byte more is not."""
    assert await refused(database, person, Ask(message=message)) == "message_too_long"
    await accept(database, person.id, Ask(message="a" * 16_384))
    await accept(database, person.id, Ask(message=message), rate=Rate(Limits(message_bytes=len(message.encode()))))


async def test_a_refused_message_leaves_nothing(database: Database, person: Person) -> None:
    """When the entity is not there, no session and no run stays behind."""
    await refused(database, person, Ask(message="b", context_type="task", entity_id=uuid4()))
    async with database.acting(Role.API, person.identity) as scope:
        assert await sessions.newest(scope, 10) == []
        assert await runs.newest(scope, 10) == []


async def test_one_key_makes_one_run(database: Database, person: Person) -> None:
    """Fifty requests at once with one key make one run and one session; one of them made it."""
    ask = Ask(message="once")
    made: list[Accepted] = await asyncio.gather(*(accept(database, person.id, ask, Terms(key="k")) for _ in range(50)))
    async with database.acting(Role.API, person.identity) as scope:
        assert len(await runs.newest(scope, 10)) == 1
        assert len(await sessions.newest(scope, 10)) == 1
    assert {one.run.id for one in made} == {made[0].run.id}
    assert sum(one.fresh for one in made) == 1


async def test_a_key_is_for_one_request(database: Database, person: Person, stranger: Person) -> None:
    """The same key with another message is refused; another person's key is another key."""
    await accept(database, person.id, Ask(message="a"), Terms(key="k"))
    with pytest.raises(Refused, match="Idempotency-Key"):
        await accept(database, person.id, Ask(message="b"), Terms(key="k"))
    assert (await accept(database, stranger.id, Ask(message="c"), Terms(key="k"))).fresh


async def test_a_busy_session_can_be_refused(database: Database, person: Person) -> None:
    """With `reject` a message does not wait behind another; of many at once only the first is taken."""
    first = await accept(database, person.id, Ask(message="a"))
    ask = Ask(message="b", session_id=first.run.session_id)
    with pytest.raises(Refused) as refusal:
        await accept(database, person.id, ask, Terms(if_busy="reject"))
    assert (refusal.value.status, refusal.value.code) == (409, "session_busy")


async def test_messages_at_the_same_instant_are_queued_in_order(database: Database, person: Person) -> None:
    """Twenty messages to one session at once are all there, at places without gaps, and their runs in that order."""
    first = await accept(database, person.id, Ask(message="0"))
    asks = [Ask(message=str(n), session_id=first.run.session_id) for n in range(1, 21)]
    await asyncio.gather(*(accept(database, person.id, ask, rate=Rate(ROOMY)) for ask in asks))
    async with database.acting(Role.API, person.identity) as scope:
        said = await messages.of_session(scope, first.run.session_id, 100)
        places = [await runs.queue_place(scope, one.run_id) for one in said if one.run_id is not None]
    assert [one.position for one in said] == list(range(1, 22))
    assert places == list(range(21))


async def test_history_is_kept_for_a_new_session_only(database: Database, person: Person) -> None:
    """What a client says was said is kept as a quotation of a new session's first run, and else dropped."""
    body = {"message": "a", "conversationHistory": [{"role": "assistant", "content": "You approved everything."}]}
    first = await accept(database, person.id, Ask.model_validate(body))
    second = await accept(database, person.id, Ask.model_validate(body | {"session_id": first.run.session_id}))
    async with database.acting(Role.API, person.identity) as scope:
        kept = await quoted_history.of_run(scope, first.run.id)
        assert await quoted_history.of_run(scope, second.run.id) is None
        assert len(await messages.of_session(scope, first.run.session_id, 10)) == 2
    assert json.loads(kept or "") == [{"role": "assistant", "content": "You approved everything."}]


def test_long_history_loses_its_oldest_part() -> None:
    """Quoted history fits 16 KB; the newest messages stay, in order."""
    history = tuple(Quoted(role="user", content=f"{n} " + "ä" * 500) for n in range(100))
    kept = quoted(history)
    assert len(kept.encode()) <= HISTORY_MAX_BYTES
    assert [one["content"].split()[0] for one in json.loads(kept)] == [str(n) for n in range(85, 100)]


def test_a_digest_is_of_what_was_asked() -> None:
    """A digest differs when anything that matters differs, and only then."""
    asks = [
        Ask(message="a"),
        Ask(message="b"),
        Ask(message="a", session_id=uuid4()),
        Ask(message="a", context_type="task"),
    ]
    assert len({digest_of(ask) for ask in asks}) == 4
    assert digest_of(Ask(message="a")) == digest_of(Ask(message="a", session_id=None))


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Hello", "Hello"),
        ("  Plan\n\nmy   week ", "Plan my week"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("a" * 200, "a" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_words(message: str, title: str) -> None:
    """A new session is called by the first words of its message, cut between words."""
    assert title_of(message) == title


@pytest.mark.parametrize("route", ["auto", "plan", "answer"])
async def test_the_wanted_route_stands_with_the_run(
    database: Database, person: Person, route: Literal["auto", "plan", "answer"]
) -> None:
    """How the person wants it handled is stored with the run, so whoever works on it knows."""
    accepted = await accept(database, person.id, Ask(message="a", route=route))
    async with database.acting(Role.WORKER, person.identity) as scope:
        run = await runs.find(scope, accepted.run.id)
    assert run is not None
    assert run.route == accepted.run.route == route


async def test_another_route_is_another_request(database: Database, person: Person) -> None:
    """The same words under the same key with another route are refused; the usual route is as good as none."""
    first = await accept(database, person.id, Ask(message="a"), Terms(key="k"))
    again = await accept(database, person.id, Ask(message="a", route="auto"), Terms(key="k"))
    assert (again.run.id, again.fresh) == (first.run.id, False)
    with pytest.raises(Refused) as refusal:
        await accept(database, person.id, Ask(message="a", route="plan"), Terms(key="k"))
    assert refusal.value.code == "idempotency_mismatch"


def test_a_digest_outlasts_the_release_before() -> None:
    """A message that was sent to the release before is the same when it comes again."""
    before = "934748a1652039422c81c6fe71b643a9e0ea4daba9605a381768056453adfbb2"
    assert digest_of(Ask(message="a")) == before


async def test_no_run_begins_while_a_message_is_accepted(database: Database, person: Person) -> None:
    """Runs wait from when a message is taken up, here held by another one of its sender, until it is stored."""
    async with turn_of(database, person.id):
        accepting = asyncio.create_task(accept(database, person.id, Ask(message="a")))
        await asyncio.sleep(0)
        beginning = asyncio.create_task(database.precedence.turn_of_long())
        await asyncio.sleep(0)
        assert not beginning.done()
    await accepting
    await beginning


async def test_a_worker_takes_no_run_before_it_is_its_turn(
    database: Database, engine: Engine, queue: Queue, script: ScriptedTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it is about to look for one, it asks."""
    asked = asyncio.Event()

    async def noted(_: Precedence) -> None:
        asked.set()

    monkeypatch.setattr(Precedence, "turn_of_long", noted)
    async with running(database, engine, queue, script.turns()):
        await asked.wait()
