"""The whole program over HTTP, whose models do to it what the test at hand says.

A request comes in at the door and its run goes through the queue, a worker and the
graph; the models are asked over real HTTP. Afterwards the session is looked at as
its person would: it is listed, opened, replayed, traced, and greeted.
"""

from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import httpx
from pydantic import JsonValue

from graph.ending import end_cancelled, end_failed
from graph.models import ModelProfile, chat_models, close_chat_models
from graph.turn import Engine, run_turn
from nodes.vocabulary.events import EVENT_MAX_BYTES, TERMINAL_TYPES
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.log import Told
from persistence.pools import Database
from persistence.queue import Queue, Rhythm
from persistence.scope import Identity
from server.app import serving
from server.tail import Hub
from server.tokens import issue_token
from server.wiring import Planwright
from server.worker import Turns, Worker
from tests.conftest import TEST_SECRET, Person, new_person
from tests.roomy import ROOMY
from tests.scripted_model.replies import Reply, text
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, in_order
from tests.scripted_model.server import ScriptedModel
from tests.server.reading import STREAM, Streamed, signed_in_client, streamed
from tools.registry import Registry

TOKEN_KEY: Final = "a key for bearer tokens that only this suite knows"
RHYTHM: Final = Rhythm(jobs_at_once=8, heartbeat_seconds=0.5, lease_seconds=8.0, drain_seconds=0.0)
REQUEST: Final = "Look after my plants"
HELLO: Final = "hello"
HELLO_BACK: Final = "Hello to you."
FRAME_BYTES: Final = 32  # the number of an event, and the names of both fields
BRISK: Final = replace(
    ROOMY, call_attempts=1, step_attempts=1, first_token_seconds=5, token_gap_seconds=5, call_seconds=10
)


@dataclass(frozen=True)
class Played:
    """A run with a hostile model, and what its person finds behind it."""

    person: Person
    stream: Streamed
    replay: bytes
    listed: Sequence[str]
    messages: Sequence[tuple[str | None, str, str]]
    hello: Streamed | None
    statuses: Sequence[int]

    @property
    def end(self) -> dict[str, JsonValue]:
        """Return the last event."""
        return self.stream.events[-1]

    @property
    def code(self) -> str:
        """Return how it ended: the code of its error, or the reason of its `done`."""
        return str(self.end["code"] if self.end["type"] == "error" else self.end["finished_reason"])

    @property
    def text(self) -> str:
        """Return the answer as it was streamed."""
        return text_of(self.stream)

    def all(self, kind: str) -> list[dict[str, JsonValue]]:
        """Return the events of one type."""
        return [event for event in self.stream.events if event["type"] == kind]

    @property
    def fifth_hundreds(self) -> int:
        """Count the answers that blame the server."""
        return sum(status >= httpx.codes.INTERNAL_SERVER_ERROR for status in self.statuses)

    @property
    def complaints(self) -> list[str]:
        """Return what is wrong with the run or its session, whatever the model did."""
        kept = "".join(content for run_id, role, content in self.messages if (run_id, role) == (self.run_id, ASSISTANT))
        checks = {
            "an answer was a 5xx": not self.fifth_hundreds,
            "not exactly one end, and it last": [
                place for place, kind in enumerate(self.stream.types, 1) if kind in TERMINAL_TYPES
            ]
            == [len(self.stream.types)],
            "an error that nobody foresaw": self.code != "internal",
            "an event is too large": max(map(len, self.stream.body.split(b"\n\n"))) <= EVENT_MAX_BYTES + FRAME_BYTES,
            "the replay is another one": self.replay == self.stream.body,
            "the message is not what was streamed": kept == self.text,
            "the session is not listed": self.stream.session_id in self.listed,
            "the session does not answer": self.hello is not None and text_of(self.hello) == HELLO_BACK,
        }
        return [complaint for complaint, holds in checks.items() if not holds]

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self.stream.run_id


ASSISTANT: Final = "assistant"


def text_of(stream: Streamed) -> str:
    """Return the answer that a stream tells."""
    return "".join(str(event["content"]) for event in stream.events if event["type"] == "text")


@dataclass
class Tally:
    """Counts what was tried for one line of the report."""

    name: str
    tried: int = 0
    fifth_hundreds: int = 0
    poisoned: list[str] = field(default_factory=list[str])

    def count(self, played: Played) -> None:
        """Take a run into the count, and hold that it harmed nothing."""
        self.tried += 1
        self.fifth_hundreds += played.fifth_hundreds
        if played.complaints:
            self.poisoned.append(played.run_id)
        assert not played.complaints, (played.complaints, played.stream.types, played.end)

    @property
    def line(self) -> str:
        """Return the figure."""
        return (
            f"{self.name}: {self.tried} inputs tried, {self.fifth_hundreds} 5xx, {len(self.poisoned)} poisoned sessions"
        )


class House:
    """The running program, and the script that its models follow now. `engine` and `address` come with the start."""

    engine: Engine
    address: str

    def __init__(self, database: Database) -> None:
        self.database: Final = database
        self._script: Script = in_order([])

    def reply(self, request: ChatRequest) -> Reply:
        """Answer a model call. A greeting is answered well, whatever came before."""
        return text(HELLO_BACK) if request.last_text == HELLO else self._script(request)

    async def run(self, identity: Identity, told: Told) -> None:
        """Work on a run with the engine of the moment."""
        await run_turn(self.engine, identity, told)

    async def play(
        self,
        script: Script | Iterable[Reply],
        *,
        person: Person | None = None,
        limits: Limits = BRISK,
        model: ModelProfile | None = None,
        registry: Registry | None = None,
        message: str = REQUEST,
    ) -> Played:
        """Send a message to the hostile model, then a greeting to a good one; look at the session in between."""
        person = person or await new_person(self.database)
        async with signed_in_client(self.address, issue_token(TOKEN_KEY, person.id, 1)) as client:
            with self._set_up(script, limits, registry):
                async with self._asking(model):
                    sent = await client.post(STREAM, json={"message": message})
            stream = streamed(sent)
            greeting = await client.post(STREAM, json={"message": HELLO, "session_id": stream.session_id})
            listed = await client.get(STREAM)
            opened = await client.get(STREAM, params={"session_id": stream.session_id})
            replay = await client.get(f"/api/agent/runs/{stream.run_id}/events")
            trace = await client.get(f"/api/agent/runs/{stream.run_id}")
        answers = [sent, greeting, listed, opened, replay, trace]
        found = all(answer.is_success for answer in answers)
        return Played(
            person=person,
            stream=stream,
            replay=replay.content,
            listed=[session["id"] for session in listed.json()["sessions"]] if found else [],
            messages=[(each["run_id"], each["role"], each["content"]) for each in opened.json()["messages"]]
            if found
            else [],
            hello=streamed(greeting) if found else None,
            statuses=[answer.status_code for answer in answers],
        )

    @contextmanager
    def _set_up(self, script: Script | Iterable[Reply], limits: Limits, registry: Registry | None) -> Generator[None]:
        usual = self.engine
        self._script = script if callable(script) else in_order(script)
        self.engine = replace(usual, limits=limits, registry=registry or usual.registry)
        try:
            yield
        finally:
            self.engine = usual

    @asynccontextmanager
    async def _asking(self, profile: ModelProfile | None) -> AsyncGenerator[None]:
        """Ask this model in place of the scripted ones, when one is named."""
        if profile is None:
            yield
            return
        models = chat_models(profile)
        self.engine = replace(self.engine, planner=tuple(models), executor=tuple(models))
        try:
            yield
        finally:
            await close_chat_models(models)


@asynccontextmanager
async def house_of(database: Database, admin_dsn: str, queue: str) -> AsyncGenerator[House]:
    """Start the program over the suite's database: a server, a worker and a scripted provider of models."""
    house = House(database)
    with ScriptedModel(house.reply) as provider:
        planner = chat_models(ModelProfile("deep", provider.base_url))
        executor = chat_models(ModelProfile("quick", provider.base_url))
        house.engine = Engine(database, Registry.build(), tuple(planner), tuple(executor), BRISK)
        hub = Hub()
        turns = Turns(house.run, partial(end_cancelled, database), partial(end_failed, database))
        worker = Worker(database, Queue(admin_dsn, TEST_SECRET, queue, successor=queue), turns, hub, RHYTHM)
        worker.start()
        try:
            async with serving(Planwright(database, house.engine, worker, hub, TOKEN_KEY, queue)) as server:
                house.address = server.address
                yield house
        finally:
            await worker.stop()
            await close_chat_models([*planner, *executor])
