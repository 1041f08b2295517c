"""A worker that stood still, was given up and is woken again changes nothing: its writes come too late."""

import pytest

from tests.faults.checksum import checksums
from tests.faults.site import Member, Site, until
from tests.faults.striking import Blow, Known, judged, numbered, recovery_seconds, struck_at
from tests.faults.trials import IN_TIME, Trials, chance, count, site_group
from tests.faults.tripwire import DISPATCH_ROLES, RUN_ROLES, Edge, Tripwire, appends, at_nth, counting

pytestmark = [site_group("pause"), pytest.mark.figure, IN_TIME]

RUN_SECONDS = 60.0  # longer than a run's way to where it is stopped
SIGNS_OF_LIFE = 6  # statements of the queue's: two heartbeats at least
FENCED = "PW001"


def pause(member: Member) -> None:
    """Stop a process where it is."""
    member.process.pause()


async def test_a_woken_worker_writes_nothing(site: Site, known: Known, request: pytest.FixtureRequest) -> None:
    """Stopped at any event boundary past its lease, then woken: no row of any table changes any more."""
    trials = Trials("SIGSTOP past the lease, then SIGCONT")
    points = numbered(known, appends)
    for kind, number in trials.each_of(points, count("pause", short=1, full=len(points)), chance("pause")):
        blow = Blow(site, pause)
        begun, end, sleeper = await struck_at(
            site, kind, Tripwire(RUN_ROLES, at_nth(number, appends), Edge.AFTER, blow)
        )
        record = await end
        if sleeper is None or blow.at is None:
            trials.miss(f"{kind}, event boundary {number}")
            continue
        lately = blow.at - RUN_SECONDS
        before = await checksums(site, lately)
        refused = await woken(site, sleeper)
        changed = [name for name, digest in (await checksums(site, lately)).items() if digest != before[name]]
        problems = judged(known[kind].record, record, kills=1)
        problems += [f"late writes to {changed}"] if changed else []
        recovery = await recovery_seconds(site, begun.run_id, blow.at)
        trials.tell(f"{kind}, event boundary {number}, {refused} refused", problems, recovery=recovery)
    trials.conclude(request, floor=trials.made * 9 // 10)


async def woken(site: Site, sleeper: Member) -> int:
    """Wake a worker, and wait until it has shown that it lives and works on nothing; return its refused writes."""
    before = sleeper.proxy.errors.count(FENCED)
    queue = counting(DISPATCH_ROLES)
    sleeper.proxy.tripwire = queue
    sleeper.process.wake()

    async def shows_life() -> bool:
        return len(queue.seen) >= SIGNS_OF_LIFE

    await until(shows_life, sleeper)
    sleeper.proxy.tripwire = None
    return sleeper.proxy.errors.count(FENCED) - before
