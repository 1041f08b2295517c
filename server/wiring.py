"""The one composition root: from settings to a running program, the same for every way to start it.

What imports LangGraph is imported when the program starts, not when this file is:
it takes a second, which `planwright --help` does not have.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from persistence import embedded
from persistence.address import checked
from persistence.migrate import migrate
from persistence.news import exchanged
from persistence.pools import Database
from persistence.queue import SHARED, Queue, Rhythm
from persistence.record import users
from persistence.scope import DISPATCH, Identity, Role, Secret, login
from server.doctor.doctor import Doctor
from server.keys import KeySet
from server.readiness import Readiness
from server.settings import Settings, kept_secret
from server.sign_in import SignIn
from server.tail import Hub
from server.tokens import ALGORITHM, Rules
from server.upkeep import Keeping, Upkeep
from server.worker import Worker

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from graph.turn import Engine

DRAIN_SECONDS: Final = 20.0  # that running turns get to end by themselves when the process stops
LOCAL_EMAIL: Final = "local@localhost"  # who asks from this machine when nobody has signed up


@dataclass(frozen=True, slots=True)
class Planwright:
    """The running program. What is accepted here is worked on through `queue`."""

    database: Database
    engine: "Engine"
    worker: Worker
    hub: Hub
    token_key: str
    queue: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    sign_in: SignIn = field(default_factory=SignIn)
    readiness: Readiness = field(default_factory=Readiness)
    doctor: Doctor = field(default_factory=Doctor)

    async def fault(self) -> str | None:
        """Return why this process does not take messages now; None when it does."""
        if self.stopping.is_set():
            return "This server stops."
        if self.sign_in.keys is not None and not len(self.sign_in.keys):
            return "The keys of the issuer of tokens are not known yet."
        return await self.readiness.fault(self.database, self.worker, self.queue)


class Work(Enum):
    """Which runs a process works on."""

    SHARED = auto()  # whatever there is
    OWN = auto()  # those that it accepted itself: its models may be other ones than the server's
    NONE = auto()


@asynccontextmanager
async def opened(
    settings: Settings, *, work: Work = Work.OWN, spoken_by: "BaseChatModel | None" = None
) -> AsyncGenerator[Planwright]:
    """Start everything below HTTP, and stop it in the opposite order.

    `spoken_by` is asked in place of the models that the settings name.

    Raises:
        PersistenceError: there is no usable database.
        ModelProfileInvalid, ToolsRefused: a model or a tool is not usable.
    """
    async with (
        _database_server(settings) as dsn,
        _connected(settings, dsn) as database,
        _working(settings, dsn, database, work, spoken_by) as planwright,
    ):
        yield planwright


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[Database]:
    """Start or reach the database, bring it up to this release and open the program's way to it.

    Raises:
        PersistenceError: there is no usable database.
    """
    async with _database_server(settings) as dsn, _connected(settings, dsn) as database:
        yield database


@asynccontextmanager
async def _connected(settings: Settings, dsn: str) -> AsyncGenerator[Database]:
    secret = installation_secret(settings)
    await asyncio.to_thread(migrate, dsn, secret)
    database = Database(dsn, secret)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def database_server(settings: Settings) -> Generator[str]:
    """Give an administrator's way to the named server, else to our own, which is started when it has to be.

    Raises:
        AddressInvalid: PLANWRIGHT_DATABASE_URL is no connection string.
        PersistenceError: our own server does not start.
    """
    if settings.database_url is not None:
        yield checked(settings.database_url.get_secret_value())
        return
    with embedded.start(settings.data_dir) as server:
        yield server.dsn


@asynccontextmanager
async def _database_server(settings: Settings) -> AsyncGenerator[str]:
    """Give the same, and leave it in a thread: whoever shares the loop does not wait until the server has stopped."""
    with ExitStack() as serving:
        dsn = serving.enter_context(database_server(settings))
        try:
            yield dsn
        finally:
            await asyncio.to_thread(serving.close)


def installation_secret(settings: Settings) -> Secret:
    """Return the secret that passwords and keys derive from: the given one, else the kept one."""
    given = settings.secret
    return Secret(kept_secret(settings.data_dir) if given is None else given.get_secret_value().encode())


def token_key(settings: Settings) -> str:
    """Return the key of bearer tokens: the given one, else one derived from the secret."""
    given = settings.jwt_secret
    return installation_secret(settings).token_key() if given is None else given.get_secret_value()


def sign_in_of(settings: Settings) -> SignIn:
    """Return how people sign in: by tokens of our own key, or of an issuer that publishes its keys."""
    rules = Rules(
        (ALGORITHM,) if settings.jwt_jwks is None else settings.jwt_algorithms,
        settings.jwt_issuer,
        settings.jwt_audience,
        settings.jwt_clients,
        settings.jwt_max_days,
    )
    return SignIn(
        rules,
        None if settings.jwt_jwks is None else KeySet(settings.jwt_jwks, rules.algorithms),
        settings.time_zone if settings.jwt_sign_up else None,
        installation_secret(settings).credential_key(),
    )


@asynccontextmanager
async def _working(
    settings: Settings, dsn: str, database: Database, work: Work, spoken_by: "BaseChatModel | None"
) -> AsyncGenerator[Planwright]:
    from server.doctor.examination import of_installation
    from server.engine import engine_of, turns_of
    from server.tracing.langsmith_client import traced
    from server.tracing.otlp import exported

    secret = installation_secret(settings)
    async with (
        traced(),
        exported() as listeners,
        engine_of(
            database,
            settings.models,
            settings.chosen_tools,
            settings.limit,
            settings.approval_hours,
            settings.link_hosts,
            spoken_by,
        ) as quiet,
        _informed(login(dsn, DISPATCH, secret)) as hub,
    ):
        engine = replace(quiet, listeners=listeners)
        queue = Queue(dsn, secret, f"only {uuid4().hex}" if work is Work.OWN else SHARED)
        worker = Worker(database, queue, turns_of(engine), hub, _rhythm(settings, work))
        upkeep = Upkeep(database, Keeping(settings.event_days, settings.checkpoint_days))
        if work is not Work.NONE:
            worker.start()
            upkeep.start()
        try:
            sign_in = sign_in_of(settings)
            doctor = Doctor(partial(of_installation, settings, dsn))
            key = token_key(settings)
            yield Planwright(database, engine, worker, hub, key, queue.name, sign_in=sign_in, doctor=doctor)
        finally:
            await upkeep.stop()
            await worker.stop()
            hub.close()


@asynccontextmanager
async def _informed(conninfo: str) -> AsyncGenerator[Hub]:
    """Give a hub that exchanges news with the other processes on the database."""
    hub = Hub()
    async with exchanged(conninfo, hub.heard, hub.missed) as hub.pass_on:
        yield hub


def _rhythm(settings: Settings, work: Work) -> Rhythm:
    """Return how this process works; one that works for itself has nothing to wait for when it ends."""
    return Rhythm(
        jobs_at_once=settings.max_concurrent_runs,
        heartbeat_seconds=settings.heartbeat_seconds,
        lease_seconds=settings.lease_seconds,
        drain_seconds=0.0 if work is Work.OWN else DRAIN_SECONDS,
        of_one_person=None if work is Work.OWN else settings.limit.runs_at_once,
    )


async def local_user(database: Database, time_zone: str) -> UUID:
    """Return the user of this machine, made if absent."""
    async with database.acting(Role.API, Identity(UUID(int=0))) as scope:
        return await users.sign_up(scope, LOCAL_EMAIL, time_zone)
