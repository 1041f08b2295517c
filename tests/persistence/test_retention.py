"""What is kept for a while only, and goes for all people at once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.serde.types import INTERRUPT
from psycopg.errors import InsufficientPrivilege

from persistence import retention
from persistence.checkpoints import Checkpoints, prune
from persistence.pools import Database
from persistence.runs.events import KeyedEvent
from persistence.scope import Identity, Role
from tests.persistence.conftest import Login
from tests.run_rows import Office, run_of

NOBODY = Identity(UUID(int=0))
MONTH = timedelta(days=30)
ALL = 1_000_000
TICKS_A_DAY = 24 * 60 * 60 * 10_000_000


def checkpoint_id(days_ago: float, place: int = 0) -> str:
    """Return the id of a checkpoint that was made so long ago; later ones by their place."""
    now = uuid6()
    ticks = now.time - int(days_ago * TICKS_A_DAY) + place
    fields = (ticks >> 28, ticks >> 12 & 0xFFFF, ticks & 0xFFF | 0x6000, *now.fields[3:])
    return str(UUID(fields=fields))


def thread(session_id: UUID, named: str | None = None) -> RunnableConfig:
    """Return where a session's checkpoints are, or one of them."""
    place = {"thread_id": str(session_id), "checkpoint_ns": ""}
    return RunnableConfig(configurable=place if named is None else place | {"checkpoint_id": named})


def checkpoint(made: str, versions: dict[str, str]) -> Checkpoint:
    """Return a checkpoint of some channels, each a list, so that its value is stored apart."""
    state = empty_checkpoint()
    state["id"] = made
    state["channel_values"] = {name: [version] for name, version in versions.items()}
    state["channel_versions"] = dict(versions)
    return state


async def store(office: Office, worker: Identity, made: str, versions: dict[str, str], new: Iterable[str]) -> None:
    """Store a checkpoint with a write of it; `new` are the channels that it changes."""
    run = await office.row(run_of(worker))
    place = thread(run.session_id)
    saver = Checkpoints(office.database, worker)
    stored = await saver.aput(place, checkpoint(made, versions), {"step": 1}, {name: versions[name] for name in new})
    await saver.aput_writes(stored, [(INTERRUPT, [made])], "task")


async def ended(office: Office, days_ago: float) -> Identity:
    """Run something to its end, so long ago."""
    worker = await office.begin()
    await office.append(worker, [KeyedEvent("a", "text", "{}"), KeyedEvent("end", "done", "{}")])
    await office.finish(worker)
    async with office.asking() as scope:
        await scope.execute(
            "update runs set finished_at = now() - %s where id = %s", (timedelta(days=days_ago), run_of(worker))
        )
    return worker


async def expire_events(database: Database, older_than: timedelta = MONTH, most: int = ALL) -> int:
    """Expire as a worker does, which acts for nobody."""
    async with database.acting(Role.WORKER, NOBODY) as scope:
        return await retention.expire_events(scope, older_than, most)


async def expire_checkpoints(database: Database, older_than: timedelta = MONTH) -> int:
    """Expire as a worker does, which acts for nobody."""
    async with database.acting(Role.WORKER, NOBODY) as scope:
        return await retention.expire_checkpoints(scope, older_than, ALL)


async def stored(office: Office) -> list[int]:
    """Count what there is of the person's checkpoints, table by table."""
    async with office.asking() as scope:
        return [
            await scope.value(int, "select count(*) from checkpoints") or 0,
            await scope.value(int, "select count(*) from checkpoint_blobs") or 0,
            await scope.value(int, "select count(*) from checkpoint_writes") or 0,
        ]


async def test_events_go_when_their_run_ended_long_ago(office: Office, strangers_office: Office) -> None:
    """Everybody's, and only those; the run says so, and stays."""
    old, young = await ended(office, 31), await ended(office, 29)
    theirs = await ended(strangers_office, 31)
    assert await expire_events(office.database) >= 2
    assert await office.log_of(run_of(old)) == []
    assert len(await office.log_of(run_of(young))) == 2
    assert await strangers_office.log_of(run_of(theirs)) == []
    assert (await office.row(run_of(old))).events_expired_at is not None
    assert (await office.row(run_of(young))).events_expired_at is None


async def test_a_run_that_has_not_ended_keeps_its_events(office: Office) -> None:
    """However long it waits for a person, its log is there to be read."""
    worker = await office.begin()
    await office.append(worker, [KeyedEvent("a", "text", "{}")])
    async with office.asking() as scope:
        await scope.execute("update runs set created_at = now() - interval '1 year' where id = %s", (worker.run_id,))
    await expire_events(office.database)
    assert len(await office.log_of(run_of(worker))) == 1


async def test_events_go_in_batches(office: Office) -> None:
    """A batch takes so many runs, the oldest first."""
    await expire_events(office.database)
    newer, older = await ended(office, 50), await ended(office, 60)
    assert await expire_events(office.database, most=1) == 1
    assert (await office.row(run_of(older))).events_expired_at is not None
    assert (await office.row(run_of(newer))).events_expired_at is None
    assert [await expire_events(office.database, most=1) for _ in range(2)] == [1, 0]


async def test_nothing_younger_than_a_day_goes(office: Office) -> None:
    """Whatever a worker asks for, today's events and checkpoints stay."""
    worker = await office.begin()
    await store(office, worker, checkpoint_id(0.9), {"a": "1"}, ["a"])
    await office.append(worker, [KeyedEvent("end", "done", "{}")])
    await office.finish(worker)
    await expire_events(office.database, timedelta(days=-1000))
    await expire_checkpoints(office.database, timedelta(days=-1000))
    assert len(await office.log_of(run_of(worker))) == 1
    assert await stored(office) == [1, 1, 1]


async def test_checkpoints_go_by_their_age(office: Office, strangers_office: Office) -> None:
    """Old ones go with their writes and with the values that no younger one has; a younger one is read as before."""
    worker = await office.begin()
    await store(office, worker, checkpoint_id(40), {"kept": "1", "changed": "1"}, ["kept", "changed"])
    young = checkpoint_id(20)
    await store(office, worker, young, {"kept": "1", "changed": "2"}, ["changed"])
    await office.finish(worker)
    thief = await strangers_office.begin()
    await store(strangers_office, thief, checkpoint_id(40), {"a": "1"}, ["a"])
    await strangers_office.finish(thief)
    assert await expire_checkpoints(office.database) >= 2
    assert await stored(office) == [1, 2, 1]
    assert await stored(strangers_office) == [0, 0, 0]
    session_id = (await office.row(run_of(worker))).session_id
    found = await Checkpoints(office.database, office.person.identity).aget_tuple(thread(session_id, young))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"kept": ["1"], "changed": ["2"]}


async def test_a_session_that_has_something_to_do_keeps_its_checkpoints(office: Office) -> None:
    """A run that waits for a person for a month goes on from where it stood."""
    worker = await office.begin()
    await store(office, worker, checkpoint_id(40), {"a": "1"}, ["a"])
    await expire_checkpoints(office.database)
    assert await stored(office) == [1, 1, 1]
    await office.finish(worker)
    await expire_checkpoints(office.database)
    assert await stored(office) == [0, 0, 0]


def test_the_age_of_a_checkpoint_is_in_its_id(admin_dsn: str) -> None:
    """The bound that the database computes parts ids that were made before a moment from those made after."""
    with psycopg.connect(admin_dsn) as administrator:
        row = administrator.execute("select planwright.first_checkpoint_id(now() - interval '1 day')").fetchone()
    assert row is not None
    assert checkpoint_id(1.0001) < row[0] < checkpoint_id(0.9999)


async def test_pruning_leaves_the_newest_writes(office: Office) -> None:
    """Every checkpoint stays, with what it says; of the writes only those that a resume may need."""
    worker = await office.begin()
    for place in range(3):
        await store(office, worker, checkpoint_id(0, place), {"a": str(place)}, ["a"])
    run = await office.row(run_of(worker))
    async with office.working(worker) as scope:
        prune(scope, run.id)
    assert await stored(office) == [3, 3, 1]
    reader = Checkpoints(office.database, office.person.identity)
    listed = [found async for found in reader.alist(thread(run.session_id))]
    assert [found.checkpoint["channel_values"]["a"] for found in listed] == [["2"], ["1"], ["0"]]
    assert [len(found.pending_writes or ()) for found in listed] == [1, 0, 0]


async def test_one_of_many_does_a_round(database: Database) -> None:
    """Of all processes that ask within the spacing, the first is told to."""
    answers: list[bool] = []
    for spacing in (timedelta(0), timedelta(hours=1), timedelta(hours=1)):
        async with database.acting(Role.WORKER, NOBODY) as scope:
            answers.append(await retention.begin_round(scope, spacing))
    assert answers == [True, False, False]


@pytest.mark.parametrize("role", [Role.API, Role.EXECUTOR])
@pytest.mark.parametrize("call", ["begin_upkeep('0')", "expire_events(now(), 1)", "expire_checkpoints(now(), 1)"])
async def test_only_workers_expire(login: Login, role: Role, call: str) -> None:
    """Neither who answers requests nor who executes steps can remove anything of everybody's."""
    connection = await login(role)
    with pytest.raises(InsufficientPrivilege):
        await connection.execute(f"select planwright.{call}".encode())


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("count(begin_upkeep('0'))", 0),
        ("expire_events(now(), 1000)", 0),
        ("expire_checkpoints(now(), 1000)", 0),
        ("(select count(*) from due_approvals())", 0),
        ("expire_charges(now(), now())", 0),
    ],
)
async def test_nobody_expires_in_a_persons_name(
    office: Office, strangers_office: Office, call: LiteralString, answer: int
) -> None:
    """Text that a hole in a writing tool lets through removes nothing of other people's, and learns nothing of them."""
    old = await strangers_office.begin()
    await store(strangers_office, old, checkpoint_id(40), {"a": "1"}, ["a"])
    async with strangers_office.working(old) as scope:
        overdue = "insert into approvals (run_id, position, digest, expires_at) values (%s, 1, '', now())"
        await scope.execute(overdue, (run_of(old),))
    await strangers_office.append(old, [KeyedEvent("end", "done", "{}")])
    await strangers_office.finish(old)
    async with strangers_office.asking() as scope:
        await scope.execute("update runs set finished_at = now() - interval '40 days' where id = %s", (run_of(old),))
        charge = "insert into charges (id, kind, amount, charged_at) values (%s, 'token', 1, now() + '1 year')"
        await scope.execute(charge, (run_of(old),))
    async with office.database.acting(Role.WORKER, office.person.identity) as scope:
        assert await scope.value(int, f"select {call}") == answer
    assert len(await strangers_office.log_of(run_of(old))) == 1
    assert await stored(strangers_office) == [1, 1, 1]
