"""A run survives its worker: kill -9 on both sides of every statement and of every model call, and under load."""

import asyncio

import pytest

from tests.faults.compare import log_problems
from tests.faults.load import DEATHS, under_load
from tests.faults.processes import Zygote
from tests.faults.reference import KINDS, STREAMED, Stage
from tests.faults.site import SHORT, Member, Site, opened_site
from tests.faults.striking import (
    Blow,
    Known,
    begin,
    ended,
    holder_at,
    judged,
    kill,
    killed_at,
    recovery_seconds,
    replaced,
    uncrashed,
)
from tests.faults.trials import FULL, IN_TIME, Trials, chance, count, site_group
from tests.faults.tripwire import DISPATCH_ROLES, RUN_ROLES, Edge, Tripwire, at_nth, at_number, counting, of_a_job
from tests.scripted_model.gate import Gate

pytestmark = [pytest.mark.figure, IN_TIME]

PEOPLE = 6 if FULL else 3
RECOVERED_WITHIN_SECONDS = 15.0
APART = 4  # messages between two kills; the run of single tool calls has some forty


@site_group("kill")
async def test_a_kill_at_any_statement_changes_nothing(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """Answer, effects, log and bill are those of an uncrashed run, wherever its worker is killed."""
    trials = Trials("kill -9 at the run's statements")
    points = [(kind, at.number, edge) for kind in known for at in known[kind].statements for edge in Edge]
    for point in trials.each_of(points, count("kill", short=2, full=260), chance("kill")):
        await _killed_there(site, known, trials, point)
    trials.figures["points there are"] = str(len(points))
    trials.conclude(request, floor=trials.made * 9 // 10)


async def _killed_there(site: Site, known: Known, trials: Trials, point: tuple[str, int, Edge]) -> None:
    """Kill the worker of a run at a statement, and hold the run against one that nothing happened to."""
    kind, number, edge = point
    blow = Blow(site, kill)
    wire = Tripwire(RUN_ROLES, at_number(number), edge, blow)
    begun, record = await killed_at(site, kind, wire)
    if record is None or blow.at is None:
        trials.miss(f"{kind} {edge} {number}")
        return
    problems = judged(known[kind].record, record, kills=1)
    recovery = await recovery_seconds(site, begun.run_id, blow.at)
    trials.tell(f"{kind} {edge} {number} {wire.seen[number].sql[:60]}", problems, recovery=recovery)


@site_group("streamed")
async def test_a_kill_while_a_plan_is_written_changes_nothing(site: Site, request: pytest.FixtureRequest) -> None:
    """Steps that began before their plan was whole are found by the next worker: none is read or told of twice."""
    trials = Trials("kill -9 while a plan is written")
    known = await uncrashed(site, STREAMED)
    last = max(at.number for at in known.statements if "held_events" in at.sql)
    points = [(STREAMED, at.number, edge) for at in known.statements[: last + 1] for edge in Edge]
    for point in trials.each_of(points, count("streamed", short=3, full=90), chance("streamed")):
        await _killed_there(site, {STREAMED: known}, trials, point)
    trials.figures["points there are"] = str(len(points))
    trials.conclude(request, floor=trials.made * 9 // 10)


@site_group("model")
async def test_a_kill_while_a_job_changes_hands_loses_no_run(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """Before and after each statement that takes a job from the queue or ends one, a kill leaves the run to others."""
    trials = Trials("kill -9 at the queue's statements")
    points = [(kind, number, edge) for kind in ("simple", "tool") for number in range(6) for edge in Edge]
    for kind, number, edge in trials.each_of(points, count("queue", short=1, full=len(points)), chance("queue")):
        blow = Blow(site, kill)
        wire = Tripwire(DISPATCH_ROLES, at_nth(number, of_a_job), edge, blow)
        begun, record = await killed_at(site, kind, wire)
        if record is None or blow.at is None:
            trials.miss(f"{kind} {edge} {number}")
            continue
        recovery = await recovery_seconds(site, begun.run_id, blow.at)
        trials.tell(f"{kind} {edge} {number}", judged(known[kind].record, record, kills=1), recovery=recovery)
    trials.conclude(request, floor=trials.made // 2)


@site_group("model")
async def test_a_kill_at_any_model_call_pays_that_call_again_and_no_other(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """Whether the request has just arrived, half of the answer is sent or all of it: one more call is made."""
    trials = Trials("kill -9 at the model calls")
    points = [
        (kind, number, stage)
        for kind in KINDS
        for number in range(1, known[kind].record.model_calls + 1)
        for stage in Stage
    ]
    for kind, number, stage in trials.each_of(points, count("model", short=1, full=60), chance("model")):
        begun, victim = await holder_at(site, kind, number, stage)
        struck = Blow(site, kill)
        struck(victim.proxy)
        site.script.release()
        end = asyncio.create_task(ended(site, begun, site.servers[1]))
        await replaced(site, victim)
        problems = judged(known[kind].record, await end, kills=1)
        assert struck.at is not None, "it was struck"
        recovery = await recovery_seconds(site, begun.run_id, struck.at)
        trials.tell(f"{kind}, call {number} {stage}", problems, recovery=recovery)
    trials.figures["points there are"] = str(len(points))
    trials.conclude(request, floor=trials.made)


@site_group("load")
async def test_random_kills_under_load_lose_nothing(site: Site, known: Known, request: pytest.FixtureRequest) -> None:
    """Several people at once, and workers killed at random statements: every answer is as without a fault."""
    trials = Trials("random kills under load")
    rng = chance("load")
    kills = count("load", short=1, full=100)
    async with under_load(site, KINDS, PEOPLE, rng) as load:
        for _ in range(kills):
            wire = Tripwire(RUN_ROLES, at_number(rng.randrange(200, 2000)), rng.choice(list(Edge)), Blow(site, kill))
            site.arm(wire)
            victim = site.member_of(await wire.sprung)
            site.arm(None)
            await replaced(site, victim)
    await load.judge(trials, known)
    trials.figures["kills"] = str(kills)
    trials.conclude(request, floor=kills)


@site_group("lease")
@pytest.mark.skipif(not FULL, reason="waits for ten leases of the default length")
async def test_the_default_lease_recovers_in_time(zygote: Zygote, request: pytest.FixtureRequest) -> None:
    """With the settings that nobody changed, a killed worker's run goes on within 15 seconds."""
    trials = Trials("kill -9 with the default lease")
    async with opened_site(zygote) as site:
        for name in SHORT:
            del site.settings[name]
        for _ in range(2):
            await site.add_server("--no-worker")
            await site.add_worker()
        known = await uncrashed(site, "tool")
        for place in range(count("default_lease", short=0, full=10)):
            blow = Blow(site, kill)
            wire = Tripwire(RUN_ROLES, at_number(APART * place), Edge.AFTER, blow)
            begun, record = await killed_at(site, "tool", wire)
            assert record is not None, "the run has more statements than that"
            assert blow.at is not None, "it was struck"
            recovery = await recovery_seconds(site, begun.run_id, blow.at)
            assert recovery is not None, "the run had not ended"
            problems = judged(known.record, record, kills=1)
            problems += [] if recovery < RECOVERED_WITHIN_SECONDS else [f"recovered after {recovery:.1f} s"]
            trials.tell(f"message {APART * place}", problems, recovery=recovery)
    trials.conclude(request, floor=trials.made)


@site_group("model")
@pytest.mark.skipif(not FULL, reason="kills three workers, one after the other")
async def test_a_run_that_kills_every_worker_is_given_up(site: Site, request: pytest.FixtureRequest) -> None:
    """After the third worker it ends as an error that says so, and the runs of others go on beside it."""
    trials = Trials("runs that kill their workers")
    for _ in range(count("poison", short=0, full=5)):
        begun, victim = await holder_at(site, "tool", 1, Stage.ARRIVED)
        for call in range(2, DEATHS + 1):
            victim = await _next_victim(site, victim, site.script.hold(begun.token, call))
        kill(victim)
        await replaced(site, victim)
        other = await ended(site, await begin(site, "simple", site.servers[1]), site.servers[0])
        record = await ended(site, begun, site.servers[1])
        site.script.release()
        problems = [*log_problems(record)]
        if (record.status, record.types[-1], other.status) != ("error", "error", "done"):
            problems.append(f"they ended as {record.status} and {other.status}")
        trials.tell(f"{record.model_calls} model calls, {record.events[-1][1].get('code')}", problems)
    trials.conclude(request, floor=trials.made)


async def _next_victim(site: Site, victim: Member, gate: Gate) -> Member:
    """Kill a worker, and return who holds its run when that comes to its model again."""
    wire = counting(RUN_ROLES)
    site.arm(wire)
    kill(victim)
    await replaced(site, victim)
    await gate.reached()
    site.arm(None)
    assert wire.holder is not None, "a model is asked behind a statement"
    return site.member_of(wire.holder)
