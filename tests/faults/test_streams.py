"""A stream can be taken up behind any event, on any server, while its run goes on and after it: byte for byte."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import httpx
import pytest

from tests.faults.client import Client, Frame, Stream
from tests.faults.reference import LONG_ROUNDS
from tests.faults.site import Member, Person, Site
from tests.faults.striking import Begun, begin, ended, new_token
from tests.faults.trials import FULL, IN_TIME, Trials, count, site_group
from tests.scripted_model.gate import Gate

pytestmark = [site_group("streams"), pytest.mark.figure, IN_TIME]

READERS = 50


class Reader:
    """Reads a run's log behind an event, from one server, in a task of its own."""

    def __init__(self, person: Person, server: Member, run_id: UUID, after: int) -> None:
        self.after = after
        self.read: list[Frame] = []
        self._client = Client(person, server)
        self._reached = asyncio.Event()
        self._waited_for = 0
        self._task = asyncio.create_task(self._follow(run_id))

    async def has(self, seq: int) -> None:
        """Return as soon as it has read up to an event."""
        self._waited_for = seq
        while not self.read or self.read[-1].seq < seq:
            if self.after >= seq:
                return
            self._reached.clear()
            await self._reached.wait()

    async def end(self) -> list[Frame]:
        """Return everything it read, at its end."""
        await self._task
        await self._client.close()
        return self.read

    async def _follow(self, run_id: UUID) -> None:
        async with self._client.following(run_id, self.after) as answer:
            answer.raise_for_status()
            async for frame in Stream(answer):
                self.read.append(frame)
                self._reached.set()


async def held_at_its_answer(site: Site) -> tuple[Begun, Gate]:
    """Begin the long run, and return when only its answer is missing."""
    token = new_token("long")
    gate = site.script.hold(token, LONG_ROUNDS + 1)
    begun = await begin(site, "long", site.servers[0], token)
    await gate.reached()
    return begun, gate


def compared(trials: Trials, point: str, reference: Sequence[Frame], read: Sequence[Frame], after: int) -> None:
    """Take down whether what was read is exactly what follows that event."""
    same = b"".join(frame.raw for frame in read) == b"".join(frame.raw for frame in reference[after:])
    trials.tell(point, [] if same else [f"read {[frame.seq for frame in read]} behind {after}"])


async def test_a_stream_resumes_behind_every_event(site: Site, request: pytest.FixtureRequest) -> None:
    """Live, finished, and after both servers were restarted, the rest is the same bytes."""
    trials = Trials("resume behind every event")
    begun, gate = await held_at_its_answer(site)
    live_events = (await site.rows("select max(seq) from run_events where run_id = %s", begun.run_id))[0]["max"]
    step = 1 if FULL else live_events // 4
    readers = [
        Reader(begun.person, site.servers[place % 2], begun.run_id, after)
        for place, after in enumerate(range(0, live_events + 1, step))
    ]
    for reader in readers:
        await reader.has(live_events)
    gate.open()
    await ended(site, begun, site.servers[0])
    client = Client(begun.person, site.servers[0])
    reference = await client.follow(begun.run_id)
    await client.close()
    for reader in readers:
        compared(trials, f"live, behind {reader.after}", reference, await reader.end(), reader.after)
    await _finished(site, trials, begun, reference, step, "finished")
    for server in list(site.servers):
        server.process.terminate()
        assert await server.process.ended == 0
        await site.remove(server)
        await site.add_server("--no-worker")
    await _finished(site, trials, begun, reference, step, "after a restart of both")
    trials.figures["events"] = str(len(reference))
    trials.conclude(request, floor=trials.made)


async def _finished(
    site: Site, trials: Trials, begun: Begun, reference: Sequence[Frame], step: int, point: str
) -> None:
    for number, server in enumerate(site.servers):
        client = Client(begun.person, server)
        for after in range(0, len(reference) + 1, step):
            compared(
                trials,
                f"{point}, server {number}, behind {after}",
                reference,
                await client.follow(begun.run_id, after),
                after,
            )
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            await client.follow(begun.run_id, len(reference) + 1)
        await client.close()


async def test_fifty_readers_of_one_run_read_the_same(site: Site, request: pytest.FixtureRequest) -> None:
    """Many readers at both servers get every event while the run goes on."""
    trials = Trials("readers of one run")
    begun, gate = await held_at_its_answer(site)
    wanted = count("readers", short=10, full=READERS)
    readers = [Reader(begun.person, site.servers[place % 2], begun.run_id, 0) for place in range(wanted)]
    for reader in readers:
        await reader.has(1)
    gate.open()
    reference = await readers[0].end()
    for place, reader in enumerate(readers):
        compared(trials, f"reader {place}", reference, await reader.end(), 0)
    trials.conclude(request, floor=wanted)
