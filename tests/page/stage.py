"""The whole program behind the page: server, queue, worker, graph and Postgres, with models that follow a script."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import uuid4

from graph.ending import end_cancelled, end_failed
from graph.models import ModelProfile, chat_models, close_chat_models
from graph.turn import Engine, run_turn
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.log import Told
from persistence.pools import Database
from persistence.queue import Queue, Rhythm
from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.scope import Identity, Role
from server.app import HttpServer, serving
from server.credentials import digest_of, mint
from server.scopes import Scope
from server.sign_in import SignIn
from server.tail import Hub
from server.wiring import Planwright
from server.worker import Turns, Worker
from tests.conftest import TEST_SECRET, Person
from tests.page.front import Front
from tests.roomy import ROOMY
from tests.scripted_model.intents import everything
from tests.scripted_model.replies import Reply, text
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, in_order, rules, when
from tests.scripted_model.server import ScriptedModel
from tools.registry import Registry

TOKEN_KEY: Final = "a key for bearer tokens that only this suite knows"
RHYTHM: Final = Rhythm(jobs_at_once=8, heartbeat_seconds=0.5, lease_seconds=8.0, drain_seconds=0.0)
APPROVAL_HOURS: Final = 24.0
BRISK: Final = replace(
    ROOMY, call_attempts=1, step_attempts=1, first_token_seconds=20, token_gap_seconds=20, call_seconds=30
)


class Stage:
    """The running program. A test says with `plays` what its models answer, and may change `engine`."""

    engine: Engine
    planwright: Planwright
    front: Front

    def __init__(self, database: Database, admin_dsn: str) -> None:
        self.database: Final = database
        self._queue: Final = f"page {uuid4().hex}"
        self._admin_dsn: Final = admin_dsn
        self._script: Script = in_order([])
        self._intents: Script = everything
        self._sign_in: Final = SignIn()  # outlives a server, as the key of an installation does
        self._serving: AsyncExitStack | None = None
        self._server: HttpServer | None = None

    @property
    def address(self) -> str:
        """Return where the page is, whichever server is behind it."""
        return self.front.address

    def plays(self, script: Script | Iterable[Reply], *, intents: Script = everything) -> None:
        """Have the models follow this script from now on."""
        self._script = script if callable(script) else in_order(script)
        self._intents = intents

    def reset(self, limits: Limits = BRISK) -> None:
        """Forget what a test changed."""
        self.plays(rules(when(text("Hello to you."))))
        self.engine = replace(self.engine, limits=limits, registry=Registry.build(), approval_hours=APPROVAL_HOURS)
        self.front.cut_after_bytes = None
        self.sync()

    def limit(self, **limits: int) -> None:
        """Set limits of a turn, or of a person's minute."""
        self.engine = replace(self.engine, limits=replace(self.engine.limits, **limits))
        self.sync()

    def wait_for_people(self, hours: float) -> None:
        """Let approvals run out after so long."""
        self.engine = replace(self.engine, approval_hours=hours)
        self.sync()

    def allow_links(self, *hosts: str) -> None:
        """Let answers link to these hosts."""
        self.engine = replace(self.engine, link_hosts=frozenset(hosts))
        self.sync()

    def allow(self, registry: Registry) -> None:
        """Have other tools."""
        self.engine = replace(self.engine, registry=registry)
        self.sync()

    def sync(self) -> None:
        """Let the server have the engine of the moment too."""
        self.planwright = replace(self.planwright, engine=self.engine)
        if self._server is not None:
            self._server.api.state.planwright = self.planwright

    async def one_time_code(self, person: Person) -> str:
        """Return the code of a link that signs a browser in as this person."""
        code = mint(self._sign_in.credential_key, Kind.LINK)
        async with self.database.acting(Role.API, person.identity) as scope:
            await credentials.add(scope, Kind.LINK, digest_of(code), list(Scope), timedelta(minutes=1))
        return code

    async def start_server(self) -> None:
        """Start an HTTP server, and lead the page to it."""
        self._serving = AsyncExitStack()
        hub = Hub()
        turns = Turns(self._run, partial(end_cancelled, self.database), partial(end_failed, self.database))
        queue = Queue(self._admin_dsn, TEST_SECRET, self._queue, successor=self._queue)
        worker = Worker(self.database, queue, turns, hub, RHYTHM)
        worker.start()
        self._serving.push_async_callback(worker.stop)
        self.planwright = Planwright(
            self.database, self.engine, worker, hub, TOKEN_KEY, self._queue, sign_in=self._sign_in
        )
        self._server = await self._serving.enter_async_context(serving(self.planwright))
        self.front.upstream = self._server.address

    async def stop_server(self) -> None:
        """Stop it as a deploy does; what it worked on is put down for the next."""
        assert self._serving is not None, "it was started"
        await self._serving.aclose()
        self._serving = None

    async def _run(self, identity: Identity, told: Told) -> None:
        await run_turn(self.engine, identity, told)

    def reply(self, request: ChatRequest) -> Reply:
        """Answer a model call."""
        return self._script(request)

    def allow_changes(self, request: ChatRequest) -> Reply:
        """Answer what a run may change."""
        return self._intents(request)


@asynccontextmanager
async def stage_of(database: Database, admin_dsn: str) -> AsyncGenerator[Stage]:
    """Start the program over the suite's database."""
    stage = Stage(database, admin_dsn)
    stage.front = Front("")
    await stage.front.open()
    with ScriptedModel(stage.reply, intents=stage.allow_changes) as provider:
        planner = chat_models(ModelProfile("deep", provider.base_url))
        executor = chat_models(ModelProfile("quick", provider.base_url))
        stage.engine = Engine(database, Registry.build(), tuple(planner), tuple(executor), BRISK)
        try:
            await stage.start_server()
            yield stage
        finally:
            await stage.front.close()
            await asyncio.shield(stage.stop_server())
            await close_chat_models([*planner, *executor])
