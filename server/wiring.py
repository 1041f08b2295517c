"""The one composition root: from settings to a running program, the same for every way to start it.

What imports LangGraph is imported when the program starts, not when this file is:
it takes a second, which `planwright --help` does not have.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from persistence import embedded
from persistence.address import checked
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.record import users
from persistence.scope import Identity, Role, Secret
from server.settings import Settings, kept_secret
from server.tail import Hub
from server.worker import Pace, Worker

if TYPE_CHECKING:
    from graph.turn import Engine

LOCAL_EMAIL: Final = "local@localhost"  # who asks from this machine when nobody has signed up


@dataclass(frozen=True, slots=True)
class Planwright:
    """The running program."""

    database: Database
    engine: "Engine"
    worker: Worker
    hub: Hub
    token_key: str


@asynccontextmanager
async def opened(settings: Settings, *, sweeping: bool = False) -> AsyncGenerator[Planwright]:
    """Start everything below HTTP, and stop it in the opposite order.

    `sweeping` also takes up runs that others left behind; without it this
    process works on what it is given and nothing else.

    Raises:
        PersistenceError: there is no usable database.
        ModelProfileInvalid, BadExtension, DuplicateTool: a model or a tool is not usable.
    """
    async with connected(settings) as database, _working(settings, database) as planwright:
        if sweeping:
            planwright.worker.start()
        yield planwright


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[Database]:
    """Start or reach the database, bring it up to this release and open the program's way to it.

    Raises:
        PersistenceError: there is no usable database.
    """
    with database_server(settings) as dsn:
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


def installation_secret(settings: Settings) -> Secret:
    """Return the secret that passwords and keys derive from: the given one, else the kept one."""
    given = settings.secret
    return Secret(kept_secret(settings.data_dir) if given is None else given.get_secret_value().encode())


def token_key(settings: Settings) -> str:
    """Return the key of bearer tokens: the given one, else one derived from the secret."""
    given = settings.jwt_secret
    return installation_secret(settings).token_key() if given is None else given.get_secret_value()


@asynccontextmanager
async def _working(settings: Settings, database: Database) -> AsyncGenerator[Planwright]:
    from server.engine import engine_of, turns_of

    async with engine_of(database, settings.models, settings.tools, settings.limit) as engine:
        hub = Hub()
        pace = Pace(settings.lease_seconds, settings.heartbeat_seconds, settings.max_concurrent_runs)
        worker = Worker(database, turns_of(engine), hub, pace)
        try:
            yield Planwright(database, engine, worker, hub, token_key(settings))
        finally:
            await worker.stop()
            hub.close()


async def local_user(database: Database, time_zone: str) -> UUID:
    """Return the user of this machine, made if absent."""
    async with database.acting(Role.API, Identity(UUID(int=0))) as scope:
        return await users.sign_up(scope, LOCAL_EMAIL, time_zone)
