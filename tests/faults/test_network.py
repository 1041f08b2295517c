"""A network that loses answers: COMMITs of unknown outcome, and connections that nobody hears from any more."""

from collections import Counter
from collections.abc import Callable
from time import monotonic

import pytest

from tests.faults.compare import record_of
from tests.faults.load import Patient
from tests.faults.site import Member, Site, fetches
from tests.faults.striking import (
    Blow,
    Known,
    begin,
    ended,
    judged,
    kill,
    numbered,
    recovery_seconds,
    replaced,
    struck_at,
)
from tests.faults.trials import FULL, IN_TIME, Trials, chance, count, site_group
from tests.faults.tripwire import API_ROLES, RUN_ROLES, Edge, Tripwire, appends, at_nth, at_number

pytestmark = [site_group("network"), pytest.mark.figure, IN_TIME]

ACCEPTS = 5  # messages to the database of accepting a message, and a few of following it
BACK_WITHIN_SECONDS = 60.0  # a transaction in flight is given up after 35


def cut(member: Member) -> None:
    """Break every connection of a process, with whatever was on the way."""
    member.proxy.cut()


@pytest.mark.parametrize("strike", [cut, kill])
async def test_a_message_is_accepted_once_whatever_gets_lost(
    site: Site, known: Known, request: pytest.FixtureRequest, strike: Callable[[Member], None]
) -> None:
    """Cut off or killed on either side of each statement of accepting: sent again with its key, it is one run."""
    trials = Trials(f"accepting, {strike.__name__} at each statement")
    reference = known["simple"].record
    points = [(number, edge) for number in range(ACCEPTS) for edge in Edge]
    for number, edge in trials.each_of(points, count("accept", short=1, full=len(points)), chance("accept")):
        person = await site.person()
        wire = Tripwire(API_ROLES, at_number(number), edge, Blow(site, strike))
        site.arm(wire)
        endings: Counter[str] = Counter()
        asked = await Patient(site, person, endings).ask("simple")
        site.arm(None)
        if wire.sprung.done() and strike is kill:
            await site.remove(site.member_of(wire.sprung.result()))
            await site.add_server("--no-worker")
        runs = await site.rows("select id from runs where user_id = %s", person.id)
        record = await record_of(site, asked.begun.run_id, asked.begun.token)
        problems = judged(reference, record, kills=0)
        problems += [] if len(runs) == 1 else [f"{len(runs)} runs"]
        if not (wire.sprung.done() or problems):
            trials.miss(f"{edge} {number}")
            continue
        trials.tell(f"{edge} {number} {wire.seen[-1].sql[:50]} {dict(endings)}", problems)
    trials.conclude(request, floor=trials.made * 9 // 10)


async def test_a_lost_answer_to_a_workers_commit_is_found_out(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """A worker whose connections break at a COMMIT, stored or not, ends its run as without a fault."""
    trials = Trials("lost COMMIT answers of workers")
    points = [(kind, number, edge) for kind, number in numbered(known, lambda at: at.commits) for edge in Edge]
    for kind, number, edge in trials.each_of(points, count("commit", short=1, full=80), chance("commit")):
        blow = Blow(site, cut)
        wire = Tripwire(RUN_ROLES, at_nth(number, lambda at: at.commits), edge, blow)
        begun, end, _ = await struck_at(site, kind, wire)
        record = await end
        if blow.at is None:
            trials.miss(f"{kind} {edge} COMMIT {number}")
            continue
        recovery = await recovery_seconds(site, begun.run_id, blow.at)
        trials.tell(f"{kind} {edge} COMMIT {number}", judged(known[kind].record, record, kills=1), recovery=recovery)
    trials.figures["points there are"] = str(len(points))
    trials.conclude(request, floor=trials.made * 9 // 10)


@pytest.mark.skipif(not FULL, reason="waits until a silent database is given up")
async def test_a_worker_behind_a_dead_network_is_given_up_and_comes_back(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """Connections that neither answer nor end: another worker goes on, and this one comes back by itself."""
    trials = Trials("half-open connections of a worker")
    points = numbered(known, appends)
    for kind, number in trials.each_of(points, count("dark_worker", short=1, full=12), chance("dark_worker")):
        blow = Blow(site, lambda member: member.proxy.go_dark())
        begun, end, victim = await struck_at(site, kind, Tripwire(RUN_ROLES, at_nth(number, appends), Edge.AFTER, blow))
        record = await end
        if victim is None or blow.at is None:
            trials.miss(f"{kind} append {number}")
            continue
        started = monotonic()
        problems = judged(known[kind].record, record, kills=1)
        try:
            await fetches(victim)
        except AssertionError:
            problems.append("it did not come back")
            await replaced(site, victim)
        site.arm(None)
        recovery = await recovery_seconds(site, begun.run_id, blow.at)
        back = monotonic() - started
        trials.tell(f"{kind} append {number}, back after {back:.1f} s", problems, recovery=recovery)
    trials.conclude(request, floor=trials.made * 2 // 3)


@pytest.mark.skipif(not FULL, reason="waits until a silent database is given up")
async def test_a_server_behind_a_dead_network_comes_back(site: Site, request: pytest.FixtureRequest) -> None:
    """A server whose connections went silent answers again within a minute, 503 at worst meanwhile."""
    trials = Trials("half-open connections of a server")
    for number in range(count("dark_server", short=1, full=4)):
        server = site.servers[number % 2]
        server.proxy.go_dark()
        started = monotonic()
        endings: Counter[str] = Counter()
        site.servers.remove(server)
        others, site.servers[:] = list(site.servers), [server]
        asked = await Patient(site, await site.person(), endings).ask("simple")
        took = monotonic() - started
        site.servers[:] = [server, *others]
        problems = [] if asked.over and took < BACK_WITHIN_SECONDS else [f"it took {took:.1f} s, {dict(endings)}"]
        trials.tell(f"answered after {took:.1f} s, {dict(endings)}", problems)
    trials.conclude(request, floor=trials.made)


async def test_a_slow_way_to_the_database_makes_a_run_slower_only(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """With 10 ms on each way there, in the full form up to 200: one attempt, the same events, the same effects."""
    trials = Trials("latency of the database, per packet")
    members = [*site.servers, *site.workers]
    for delay_seconds in (0.01, 0.05, 0.05, 0.2, 0.2)[: count("slow", short=1, full=5)]:
        for member in members:
            member.proxy.delay_seconds = delay_seconds
        started = monotonic()
        begun = await begin(site, "tool", site.servers[0])
        record = await ended(site, begun, site.servers[0])
        took = monotonic() - started
        for member in members:
            member.proxy.delay_seconds = 0.0
        trials.tell(f"{delay_seconds * 1000:.0f} ms, {took:.1f} s", judged(known["tool"].record, record, kills=0))
    trials.conclude(request, floor=trials.made)
