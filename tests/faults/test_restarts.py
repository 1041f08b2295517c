"""Deploys and power cuts: processes that are asked to stop, and a database that is torn away, under load."""

from collections.abc import Mapping
from functools import partial
from time import monotonic

import httpx
import pytest

from tests.faults.load import under_load
from tests.faults.reference import KINDS, Stage
from tests.faults.site import Member, Site, until
from tests.faults.striking import Begun, Known, begin, ended, holder_at, judged
from tests.faults.trials import FULL, IN_TIME, Trials, chance, count, site_group
from tests.faults.tripwire import API_ROLES, RUN_ROLES, Edge, Tripwire, at_number

pytestmark = [site_group("restarts"), pytest.mark.figure, IN_TIME]

PEOPLE = 6 if FULL else 3
STATEMENTS = (100, 1200 if FULL else 400)  # between two faults
STOPPED_WITHIN_SECONDS = 27.0  # 20 to drain, 5 to put runs down, and the rest


async def moments_pass(site: Site, number: int) -> None:
    """Return when so many statements were sent."""
    wire = Tripwire(API_ROLES | RUN_ROLES, at_number(number), Edge.AFTER, lambda _: None)
    site.arm(wire)
    await wire.sprung
    site.arm(None)


async def test_a_process_that_is_asked_to_stop_loses_nothing(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """SIGTERM to each server and worker in turn: streams end, or break off with a hint; others go on at once."""
    trials = Trials("SIGTERM under load")
    rng = chance("term")
    stops = count("term", short=2, full=24)
    slowest = 0.0
    async with under_load(site, KINDS, PEOPLE, rng) as load:
        for place in range(stops):
            members = site.workers if place % 2 else site.servers
            await moments_pass(site, rng.randrange(*STATEMENTS))
            slowest = max(slowest, await _stopped(site, rng.choice(members)))
    await load.judge(trials, known)
    cut = {name: load.endings[name] for name in ("broken", "silent") if load.endings[name]}
    trials.problems += [f"streams ended without a hint: {cut}"] if cut else []
    trials.figures |= {"stops": str(stops), "slowest stop": f"{slowest:.1f} s"}
    trials.conclude(request, floor=stops)


async def _stopped(site: Site, member: Member) -> float:
    """Stop a process with SIGTERM, put another in its place; return how long it took to end."""
    is_server = member in site.servers
    started = monotonic()
    member.process.terminate()
    code = await member.process.ended
    took = monotonic() - started
    assert code == 0, member.process.log.read_text()[-2000:]
    assert took < STOPPED_WITHIN_SECONDS, f"{took:.1f} s: {member.process.log.read_text()[-2000:]}"
    await site.remove(member)
    await (site.add_server("--no-worker") if is_server else site.add_worker())
    return took


@pytest.mark.skipif(not FULL, reason="takes the whole time that a worker drains, 20 s")
async def test_a_run_that_does_not_end_in_time_is_handed_over(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """A worker that stops while a model is silent puts the run down, and another goes on at once."""
    trials = Trials("SIGTERM and a silent model")
    reference = known["tool"].record
    for number in range(2):
        begun, worker = await holder_at(site, "tool", 1 + number, Stage.ARRIVED)
        took = await _stopped(site, worker)
        site.script.release()
        record = await ended(site, begun, site.servers[0])
        trials.tell(f"stopped after {took:.1f} s, attempt {record.attempt}", judged(reference, record, kills=1))
    trials.conclude(request, floor=trials.made)


async def test_the_database_may_be_torn_away(site: Site, known: Known, request: pytest.FixtureRequest) -> None:
    """Postgres stopped at once, again and again: 503 meanwhile, then everything goes on by itself."""
    trials = Trials("immediate Postgres restarts under load")
    rng = chance("postgres")
    restarts = count("postgres", short=1, full=20)
    refused = 0
    slowest = 0.0
    reader = (await site.person()).headers
    async with under_load(site, KINDS, PEOPLE, rng) as load:
        for _ in range(restarts):
            await moments_pass(site, rng.randrange(*STATEMENTS))
            site.postgres.crash()
            refused += await _refusals(site, reader)
            await site.recover()
            slowest = max(slowest, await _back(site))
    await load.judge(trials, known)
    trials.problems += [] if refused == 2 * restarts else [f"only {refused} of {2 * restarts} requests got 503"]
    trials.figures |= {"restarts": str(restarts), "slowest return": f"{slowest:.1f} s"}
    trials.conclude(request, floor=restarts)


async def _refusals(site: Site, reader: Mapping[str, str]) -> int:
    """Return how many of the servers answer a reader with 503, as they should while the database is away."""
    async with httpx.AsyncClient(timeout=20, headers=reader) as client:
        answers = [await client.get(f"{server.address}/api/agent/stream") for server in site.servers]
    return sum(answer.status_code == 503 for answer in answers)


async def _back(site: Site) -> float:
    """Wait until both servers are ready and both workers fetch again; return how long that took."""
    started = monotonic()
    async with httpx.AsyncClient(timeout=20) as client:
        for server in site.servers:
            await until(partial(site.is_ready, client, server), server)
    begun: list[Begun] = [await begin(site, "simple", server) for server in site.servers]
    for run in begun:
        await ended(site, run, site.servers[0])
    return monotonic() - started
