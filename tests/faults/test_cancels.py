"""Cancel means stop: from the acknowledgement on no model is asked and nothing is written, and the session goes on."""

import time

import pytest

from tests.faults.client import Client
from tests.faults.compare import Record, log_problems
from tests.faults.proxy import Proxy
from tests.faults.reference import message_of
from tests.faults.site import Site
from tests.faults.striking import Begun, Known, begin, ended, new_token, numbered, struck_at
from tests.faults.trials import IN_TIME, Trials, chance, count, site_group
from tests.faults.tripwire import RUN_ROLES, Edge, Tripwire, appends, at_nth

pytestmark = [site_group("cancel"), pytest.mark.figure, IN_TIME]

ACKNOWLEDGED_WITHIN_SECONDS = 2.0
LATE = """
    select 'model call' as what from model_usage where run_id = %s and created_at > to_timestamp(%s)
    union all
    select tool from tool_calls where run_id = %s and state = 'applied' and access = 'write'
        and finished_at > to_timestamp(%s)
"""


def watch(_proxy: Proxy) -> None:
    """Do nothing: that the wire was reached is all."""


async def test_a_cancel_at_any_event_boundary_stops_the_run(
    site: Site, known: Known, request: pytest.FixtureRequest
) -> None:
    """Acknowledged within two seconds; nothing begins behind that; what was said is kept; the next message works."""
    trials = Trials("cancel at the event boundaries")
    points = numbered(known, appends)
    rng = chance("cancel")
    slowest = 0.0
    for kind, number in trials.each_of(points, count("cancel", short=2, full=2 * len(points)), rng):
        wire = Tripwire(RUN_ROLES, at_nth(number, appends), Edge.AFTER, watch)
        begun, end, _ = await struck_at(site, kind, wire)
        client = Client(begun.person, rng.choice(site.servers))
        asked_at = time.time()
        answer = await client.cancel(begun.run_id)
        acknowledged_at = time.time()
        calls = site.script.calls[begun.token]
        await client.close()
        record = await end
        if answer.status_code == 409:
            trials.miss(f"{kind}, event boundary {number}, ended before")
            continue
        slowest = max(slowest, acknowledged_at - asked_at)
        problems = [*log_problems(record), *await _not_stopped(site, begun, record, acknowledged_at)]
        if answer.status_code != 202 or acknowledged_at - asked_at >= ACKNOWLEDGED_WITHIN_SECONDS:
            problems.append(f"answered with {answer.status_code} after {acknowledged_at - asked_at:.2f} s")
        if site.script.calls[begun.token] != calls:
            problems.append(f"{site.script.calls[begun.token] - calls} model calls behind the acknowledgement")
        trials.tell(f"{kind}, event boundary {number}", problems)
    trials.figures["slowest acknowledgement"] = f"{slowest:.2f} s"
    trials.conclude(request, floor=trials.made * 2 // 3)


async def _not_stopped(site: Site, begun: Begun, record: Record, acknowledged_at: float) -> list[str]:
    """Return what contradicts the acknowledgement, or stands in the way of the next message."""
    problems = [] if record.status == "cancelled" else [f"it ended as {record.status}"]
    late = await site.rows(LATE, begun.run_id, acknowledged_at, begun.run_id, acknowledged_at)
    problems += [f"late: {row['what']}" for row in late]
    if "".join(record.said) != record.text:
        problems.append(f"stored is {record.said}, streamed was {record.text!r}")
    client = Client(begun.person, site.servers[0])
    token = new_token("simple")
    following = await client.send(message_of("simple", token), session_id=begun.session_id)
    await client.close()
    after = await ended(site, Begun(begun.person, token, following.run_id, begun.session_id), site.servers[1])
    return problems + ([] if after.status == "done" else [f"the next message ended as {after.status}"])


async def test_a_queued_run_is_cancelled_where_it_stands(site: Site, request: pytest.FixtureRequest) -> None:
    """A message that waits for its turn ends at once as cancelled, and never reaches a model."""
    trials = Trials("cancel of a waiting message")
    for _ in range(count("queued", short=1, full=20)):
        token = new_token("simple")
        gate = site.script.hold(token, 1)
        first = await begin(site, "simple", site.servers[0], token)
        await gate.reached()
        client = Client(first.person, site.servers[1])
        waiting = new_token("simple")
        second = await client.send(message_of("simple", waiting), session_id=first.session_id)
        answer = await client.cancel(second.run_id)
        record = await ended(site, Begun(first.person, waiting, second.run_id, first.session_id), site.servers[0])
        site.script.release()
        whole = await ended(site, first, site.servers[0])
        await client.close()
        problems = [] if (record.status, record.model_calls, whole.status) == ("cancelled", 0, "done") else ["no"]
        trials.tell(f"answered with {answer.status_code}", problems)
    trials.conclude(request, floor=trials.made)
