"""Turns that a test writes itself: they append real events to the real log, when the test says so."""

import asyncio
from functools import partial

from graph.ending import end_cancelled, end_failed
from nodes.vocabulary.events import Done, Event, FinishedReason, TextSaid, UsageBody
from nodes.vocabulary.log import EventLog, Told
from persistence.pools import Database
from persistence.runs import runs
from persistence.runs.runs import RunStatus
from persistence.scope import Identity, Role
from server.worker import Turns

NO_USAGE = UsageBody(prompt_tokens=0, completion_tokens=0, total_tokens=0)
DONE = Done(usage=NO_USAGE, finished_reason=FinishedReason.STOP)


class ScriptedTurns:
    """Says `before`, waits until `go_on` is set, says `after`, and is done."""

    def __init__(self, database: Database, before: list[str], after: list[str]) -> None:
        self.database = database
        self.before = before
        self.after = after
        self.go_on = asyncio.Event()
        self.began: list[Identity] = []
        self.at_the_gate = asyncio.Event()
        self.raised: Exception | None = None

    def turns(self) -> Turns:
        """Return these turns as a worker takes them."""
        return Turns(self.run, partial(end_cancelled, self.database), partial(end_failed, self.database))

    async def run(self, identity: Identity, told: Told) -> None:
        """Play the script for one run."""
        self.began.append(identity)
        await self._say(identity, told, *((f"a{n}", TextSaid(content=text)) for n, text in enumerate(self.before)))
        self.at_the_gate.set()
        await self.go_on.wait()
        if self.raised is not None:
            raise self.raised
        await self._say(identity, told, *((f"b{n}", TextSaid(content=text)) for n, text in enumerate(self.after)))
        await self._finish(identity, told)

    async def _say(self, identity: Identity, told: Told, *keyed: tuple[str, Event]) -> None:
        for key, event in keyed:
            async with self.database.acting(Role.WORKER, identity) as scope:
                EventLog(told).emit(scope, (key, event))

    async def _finish(self, identity: Identity, told: Told) -> None:
        assert identity.run_id is not None
        async with self.database.acting(Role.WORKER, identity) as scope:
            EventLog(told).emit(scope, ("end", DONE))
            runs.finish(scope, identity.run_id, RunStatus.DONE, reason="stop")
