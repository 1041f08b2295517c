"""Load: several people at once, each sending message after message and following each answer whatever breaks.

A person here behaves as a good client does: a message has an Idempotency-Key and
is sent again until it is accepted, a stream that breaks is taken up behind the
last event that came, at the other server.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final
from uuid import UUID, uuid4

import httpx

from nodes.vocabulary.events import TERMINAL_TYPES
from tests.faults.client import Client, Frame, Stream, accepted
from tests.faults.compare import effects_without_ledger, record_of
from tests.faults.reference import message_of
from tests.faults.site import Member, Person, Site
from tests.faults.striking import Begun, Known, judged, new_token
from tests.faults.trials import Trials

PAUSE_SECONDS: Final = 0.1  # before the next try, as the `retry:` hint of a stream has it
TRIES_MAX: Final = 600
UNAVAILABLE: Final = 503
DEATHS: Final = 3  # of a run's workers, then it is given up
EXHAUSTED: Final = "attempts_exhausted"


@dataclass
class Asked:
    """One message and everything that came back for it."""

    kind: str
    begun: Begun
    frames: list[Frame] = field(default_factory=list[Frame])

    @property
    def over(self) -> bool:
        """Say whether the terminal event has come."""
        return bool(self.frames) and self.frames[-1].event["type"] in TERMINAL_TYPES


class Patient:
    """One person who does not give up. `endings` counts how each try ended.

    ended: with the terminal event. hint: cleanly, after a `retry:` line. silent: cleanly, and without one.
    broken: in the middle. 503 and unreached: before a stream began.
    """

    def __init__(self, site: Site, person: Person, endings: Counter[str]) -> None:
        self._site: Final = site
        self._person: Final = person
        self._endings: Final = endings
        self._servers: Final = self._in_turn()

    async def ask(self, kind: str, *, session_id: UUID | None = None) -> Asked:
        """Send a message, and follow its run to the end."""
        token, key = new_token(kind), uuid4().hex
        asked: Asked | None = None
        for _ in range(TRIES_MAX):
            try:
                if asked is None:
                    asked = await self._send(kind, token, key, session_id)
                else:
                    await self._follow(asked)
            except httpx.TransportError:
                self._endings["unreached"] += 1
            except httpx.HTTPStatusError as refused:
                if refused.response.status_code != UNAVAILABLE:
                    raise
                self._endings["503"] += 1
            if asked is not None and asked.over:
                return asked
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{token} came to no end: {asked}")

    async def _send(self, kind: str, token: str, key: str, session_id: UUID | None) -> Asked | None:
        client = Client(self._person, next(self._servers))
        try:
            async with client.sending(message_of(kind, token), key=key, session_id=session_id) as answer:
                answer.raise_for_status()
                return await self._read(answer, None, kind, token)
        finally:
            await client.close()

    async def _follow(self, asked: Asked) -> None:
        client = Client(self._person, next(self._servers))
        try:
            async with client.following(asked.begun.run_id, asked.frames[-1].seq) as answer:
                answer.raise_for_status()
                await self._read(answer, asked, asked.kind, asked.begun.token)
        finally:
            await client.close()

    async def _read(self, answer: httpx.Response, asked: Asked | None, kind: str, token: str) -> Asked | None:
        """Read a stream that was begun to its end, however that comes."""
        stream = Stream(answer)
        try:
            async for frame in stream:
                if asked is None:
                    first = accepted(frame)
                    asked = Asked(kind, Begun(self._person, token, first.run_id, first.session_id))
                asked.frames.append(frame)
        except httpx.TransportError:
            self._endings["broken"] += 1
            return asked
        over = asked is not None and asked.over
        self._endings["ended" if over else "hint" if stream.retry else "silent"] += 1
        return asked

    def _in_turn(self) -> Iterator[Member]:
        for place in cycle(range(2)):
            yield self._site.servers[place % len(self._site.servers)]


class Load:
    """People at work until they are told to stop."""

    def __init__(self, site: Site, kinds: Sequence[str], rng: random.Random) -> None:
        self.asked: Final[list[Asked]] = []
        self.endings: Final[Counter[str]] = Counter()
        self._site: Final = site
        self._kinds: Final = kinds
        self._rng: Final = rng
        self._stopping = False

    def stop(self) -> None:
        """Let each person come to the end of the answer it waits for."""
        self._stopping = True

    async def live(self) -> None:
        """Be one person: now in a new session, now in one that is there."""
        person = await self._site.person()
        patient = Patient(self._site, person, self.endings)
        session_id: UUID | None = None
        while not self._stopping:
            asked = await patient.ask(self._rng.choice(self._kinds), session_id=session_id)
            self.asked.append(asked)
            session_id = None if session_id else asked.begun.session_id

    async def judge(self, trials: Trials, references: Known) -> None:
        """Hold every answer against the uncrashed one of its kind, and what was streamed against the log."""
        exhausted = 0
        for asked in self.asked:
            record = await record_of(self._site, asked.begun.run_id, asked.begun.token)
            if record.types[-1] == "error" and record.events[-1][1]["code"] == EXHAUSTED:
                exhausted += 1
                if record.attempt <= DEATHS:
                    trials.problems.append(f"{asked.begun.token} was given up at attempt {record.attempt}")
                continue
            problems = judged(references[asked.kind].record, record, kills=record.attempt - 1, alone=False)
            if [(frame.seq, frame.event) for frame in asked.frames] != record.events:
                problems.append(f"the person saw {[frame.seq for frame in asked.frames]}")
            trials.tell(f"{asked.begun.token}, attempt {record.attempt}", problems)
        for user_id in {asked.begun.person.id for asked in self.asked}:
            trials.problems += await effects_without_ledger(self._site, user_id)
        trials.figures["streams"] = " ".join(f"{name} {times}" for name, times in sorted(self.endings.items()))
        if exhausted:
            trials.figures[EXHAUSTED] = str(exhausted)


@asynccontextmanager
async def under_load(site: Site, kinds: Sequence[str], people: int, rng: random.Random) -> AsyncGenerator[Load]:
    """Have so many people at work meanwhile; they end their last answers before this ends."""
    load = Load(site, kinds, rng)
    async with asyncio.TaskGroup() as group:
        for _ in range(people):
            group.create_task(load.live())
        try:
            yield load
        finally:
            load.stop()
