"""One trial: a reference run to which something happens, held against the run to which nothing did."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from uuid import UUID

from tests.faults.client import Client
from tests.faults.compare import Record, differences, record_of
from tests.faults.proxy import Proxy
from tests.faults.reference import ASKING, Stage, message_of
from tests.faults.site import Member, Person, Site
from tests.faults.tripwire import RUN_ROLES, Statement, Tripwire, Wanted, counting

NUMBERS: Final = count(1)
PATIENCE_SECONDS: Final = 100.0  # a transaction whose answer never comes is given up after 35


@dataclass(frozen=True)
class Uncrashed:
    """A run to which nothing happened, and the statements it took."""

    record: Record
    statements: list[Statement]


Known = Mapping[str, Uncrashed]
"""Each reference run as it is when nothing happens to it."""


@dataclass(frozen=True)
class Begun:
    """A run that was accepted, for a person of its own."""

    person: Person
    token: str
    run_id: UUID
    session_id: UUID


def new_token(kind: str) -> str:
    """Return a token that no other run has."""
    return f"{kind}-{next(NUMBERS)}"


async def begin(site: Site, kind: str, server: Member, token: str | None = None) -> Begun:
    """Send a message in the name of a new person."""
    token = token or new_token(kind)
    person = await site.person()
    client = Client(person, server)
    accepted = await client.send(message_of(kind, token), approvals="ask" if kind == ASKING else None)
    await client.close()
    return Begun(person, token, accepted.run_id, accepted.session_id)


async def ended(site: Site, begun: Begun, server: Member) -> Record:
    """Follow a run to its end, approving what it asks for, and return what it left behind.

    Raises:
        AssertionError: it does not end; the text says where it stands.
    """
    client = Client(begun.person, server)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (pause := (await client.follow(begun.run_id))[-1].event.get("approval")) is not None:
                await client.approve(begun.run_id, pause["digest"])
    except TimeoutError:
        raise AssertionError(await state_of(site, begun.run_id)) from None
    finally:
        await client.close()
    return await record_of(site, begun.run_id, begun.token)


async def state_of(site: Site, run_id: UUID) -> str:
    """Return where a run stands that should have ended, and who works."""
    looks = {
        "run": "select status, attempt, crashes, job_id, newest_event(id) from runs where id = %s",
        "jobs": "select id, status, worker_id, queue_name from planwright_queue.procrastinate_jobs"
        " where args ->> 'run_id' = %s::text",
    }
    found = {name: await site.rows(query, run_id) for name, query in looks.items()}
    alive = "select id, clock_timestamp() - last_heartbeat as silent from planwright_queue.procrastinate_workers"
    logs = {member.process.pid: member.process.log.read_text()[-500:] for member in site.workers}
    return f"{run_id} does not end: {found}, workers {await site.rows(alive)}, logs {logs}"


async def uncrashed(site: Site, kind: str) -> Uncrashed:
    """Do a run of that kind to which nothing happens."""
    wire = counting(RUN_ROLES)
    site.arm(wire)
    record = await ended(site, await begin(site, kind, site.servers[0]), site.servers[1])
    site.arm(None)
    assert record.status == "done", "the reference run is answered"
    return Uncrashed(record, wire.seen)


def numbered(known: Known, wanted: Wanted) -> list[tuple[str, int]]:
    """Return the kind and the number of each statement that is wanted, of all reference runs."""
    return [(kind, number) for kind in known for number in range(sum(map(wanted, known[kind].statements)))]


async def holder_at(site: Site, kind: str, number: int, stage: Stage) -> tuple[Begun, Member]:
    """Begin a run, and return who holds it when a model call has come so far; the reply stays there."""
    token = new_token(kind)
    gate = site.script.hold(token, number, stage)
    wire = counting(RUN_ROLES)
    site.arm(wire)
    begun = await begin(site, kind, site.servers[0], token)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await gate.reached()
    site.arm(None)
    assert wire.holder is not None, "a model is asked behind a statement"
    return begun, site.member_of(wire.holder)


@dataclass
class Blow:
    """What happens to the process that comes to the wire, and when it did."""

    site: Site
    strike: Callable[[Member], None]
    at: float | None = None

    def __call__(self, proxy: Proxy) -> None:
        """Strike."""
        self.at = time.time()
        self.strike(self.site.member_of(proxy))


def kill(member: Member) -> None:
    """End a process between two bytes."""
    member.proxy.freeze()
    member.process.kill()


async def replaced(site: Site, member: Member) -> Member:
    """Forget a worker that was killed, and start another."""
    await site.remove(member)
    return await site.add_worker()


async def killed_at(site: Site, kind: str, wire: Tripwire) -> tuple[Begun, Record | None]:
    """Do a run whose worker is killed at the wire; None when it ended before it came there."""
    begun, end, victim = await struck_at(site, kind, wire)
    if victim is None:
        await end
        return begun, None
    await replaced(site, victim)
    return begun, await end


async def struck_at(site: Site, kind: str, wire: Tripwire) -> tuple[Begun, asyncio.Task[Record], Member | None]:
    """Begin a run and return when it comes to the wire, with who came there; None when it ended before."""
    site.arm(wire)
    begun = await begin(site, kind, site.servers[0])
    end = asyncio.create_task(ended(site, begun, site.servers[1]))
    either: list[asyncio.Future[Any]] = [end, wire.sprung]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    site.arm(None)
    return begun, end, site.member_of(wire.sprung.result()) if wire.sprung.done() else None


async def recovery_seconds(site: Site, run_id: UUID, struck_at: float) -> float | None:
    """Return how long after the blow the log went on; None when it had ended."""
    rows = await site.rows(
        "select extract(epoch from min(created_at))::float8 - %s as seconds from run_events"
        " where run_id = %s and created_at > to_timestamp(%s)",
        struck_at,
        run_id,
        struck_at,
    )
    seconds: float | None = rows[0]["seconds"]
    return seconds


def judged(reference: Record, record: Record, kills: int, *, alone: bool = True) -> list[str]:
    """Return what went wrong; each kill may pay the calls in flight again: one, or one of each executor at work.

    `alone`: nothing else was done in the person's name, so the workspace holds this run's rows only.
    """
    executors = sum(kind == "executor_spawned" for kind in reference.types)
    return differences(reference, record, paid_twice_at_most=kills * max(1, executors), alone=alone)
