"""One installation under fire: a Postgres, a model, and processes of the program, each with its own way to both."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg.rows import dict_row

from persistence import embedded
from persistence.scope import Secret
from server.tokens import issue_token
from tests.faults.processes import Process, Zygote
from tests.faults.proxy import Proxy
from tests.faults.reference import Reference
from tests.faults.tripwire import Tripwire
from tests.greeting import address_in
from tests.roomy import ROOMY_SETTINGS
from tests.scripted_model.server import ScriptedModel

SECRET: Final = "the same for every process of the fault tests"
SHORT: Final[Mapping[str, str]] = {"PLANWRIGHT_LEASE_SECONDS": "1.5", "PLANWRIGHT_HEARTBEAT_SECONDS": "0.4"}
PATIENCE_SECONDS: Final = 30.0
GLANCE_SECONDS: Final = 0.02  # between two looks at what is waited for
Row = dict[str, Any]


class Postgres:
    """A server of our own that can be killed."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._held = embedded.start(folder, settings={"fsync": "off", "max_connections": "400"})

    @property
    def dsn(self) -> str:
        """Return the administrator's way in."""
        return self._held.dsn

    def crash(self) -> None:
        """Stop it as `pg_ctl stop --mode=immediate` does: every backend at once, no checkpoint."""
        pid = int((self._folder / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)

    def recover(self) -> None:
        """Start it again, which replays the log, and return when it answers."""
        before, self._held = self._held, embedded.start(self._folder, settings={"max_connections": "400"})
        before.close()

    def close(self) -> None:
        """Stop it."""
        self._held.close()


@dataclass(frozen=True)
class Person:
    """Who asks."""

    id: UUID
    headers: Mapping[str, str]


class Member:
    """One process of the installation, and its ways to Postgres and from clients."""

    def __init__(self, process: Process, proxy: Proxy) -> None:
        self.process: Final = process
        self.proxy: Final = proxy
        self.address: str | None = None

    async def listens(self) -> bool:
        """Say whether it has said where it listens; that is its address from then on."""
        self.address = address_in(self.process.log.read_text())
        return self.address is not None


class Site:
    """The installation."""

    def __init__(self, folder: Path, zygote: Zygote, model: ScriptedModel, script: Reference) -> None:
        self.postgres: Final = Postgres(folder / "data")
        self.script: Final = script
        self.settings: dict[str, str] = {**SHORT, **ROOMY_SETTINGS}
        self.servers: Final[list[Member]] = []
        self.workers: Final[list[Member]] = []
        self.folder: Final = folder
        self._zygote: Final = zygote
        self._model: Final = model
        self._secret: Final = Secret(SECRET.encode())
        self._wire: Tripwire | None = None
        self._admin: psycopg.AsyncConnection | None = None

    def environment(self, dsn: str) -> dict[str, str]:
        """Return the settings of a process that reaches the database so."""
        return {
            "PLANWRIGHT_DATABASE_URL": dsn,
            "PLANWRIGHT_SECRET": SECRET,
            "PLANWRIGHT_DATA_DIR": str(self.folder / "program"),
            "PLANWRIGHT_MODEL_BASE_URL": self._model.base_url,
            "PLANWRIGHT_PLANNER_MODEL": "deep",
            "PLANWRIGHT_EXECUTOR_MODEL": "quick",
            **self.settings,
        }

    async def add_server(self, *arguments: str) -> Member:
        """Start a server, and return when it accepts messages."""
        member = await self._start(["serve", *arguments], {"PLANWRIGHT_PORT": "0"})
        await until(member.listens, member)
        self.servers.append(member)
        async with httpx.AsyncClient() as client:
            await until(lambda: self.is_ready(client, member), member)
        return member

    async def add_worker(self) -> Member:
        """Start a worker, and return when it listens for work."""
        member = await self._start(["worker"], {})
        self.workers.append(member)
        await fetches(member)
        return member

    async def remove(self, member: Member) -> None:
        """End a process if it has not ended, and forget it."""
        member.process.kill()
        await member.process.ended
        await member.proxy.close()
        for members in (self.servers, self.workers):
            if member in members:
                members.remove(member)

    async def recover(self) -> None:
        """Start the database again after a crash."""
        await asyncio.to_thread(self.postgres.recover)
        self._admin = None

    def arm(self, wire: Tripwire | None) -> None:
        """Have every process's statements counted by this wire, those of later processes too."""
        self._wire = wire
        for member in [*self.workers, *self.servers]:
            member.proxy.tripwire = wire

    def member_of(self, proxy: Proxy) -> Member:
        """Return whose way a proxy is."""
        return next(member for member in [*self.workers, *self.servers] if member.proxy is proxy)

    async def person(self) -> Person:
        """Sign a new person up."""
        user_id = UUID(int=0)
        for row in await self.rows(
            "select planwright.sign_up(%s, 'Europe/Berlin') as id", f"{uuid4().hex}@example.org"
        ):
            user_id = row["id"]
        token = issue_token(self._secret.token_key(), user_id, 1)
        return Person(user_id, {"Authorization": f"Bearer {token}"})

    async def rows(self, query: str, *parameters: object) -> list[Row]:
        """Return what an administrator's statement finds, whoever it belongs to."""
        if self._admin is None or self._admin.closed:
            self._admin = await psycopg.AsyncConnection.connect(
                self.postgres.dsn, autocommit=True, options="-c search_path=planwright"
            )
        async with self._admin.cursor(row_factory=dict_row) as cursor:
            return await (await cursor.execute(query.encode(), parameters)).fetchall()

    async def is_ready(self, client: httpx.AsyncClient, member: Member) -> bool:
        """Say whether a server would accept a message now."""
        try:
            return (await client.get(f"{member.address}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        """End everything."""
        for member in [*self.servers, *self.workers]:
            await self.remove(member)
        if self._admin is not None:
            await self._admin.close()
        self.postgres.close()

    async def _start(self, arguments: list[str], more: Mapping[str, str]) -> Member:
        proxy = Proxy(self.postgres.dsn)
        await proxy.open()
        proxy.tripwire = self._wire
        environment = {**self.environment(proxy.dsn), **more}
        log = self.folder / f"{arguments[0]}-{uuid4().hex[:8]}.log"
        log.touch()  # it is read before the process writes
        return Member(await self._zygote.fork(arguments, environment, self.folder, log), proxy)


def new_folder() -> Path:
    """Make a folder that the user of an embedded server can reach."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-faults-"))
    folder.chmod(0o755)
    return folder


@asynccontextmanager
async def opened_site(zygote: Zygote) -> AsyncGenerator[Site]:
    """Give an installation without processes, in a folder of its own; end everything afterwards."""
    folder = new_folder()
    script = Reference()
    try:
        with ScriptedModel(script, intents=script) as model:
            site = Site(folder, zygote, model, script)
            try:
                yield site
            finally:
                script.release()
                await site.close()
    finally:
        shutil.rmtree(folder)


async def fetches(worker: Member) -> None:
    """Return as soon as a worker looks for work, from now on."""
    worker.proxy.texts.clear()

    async def looks() -> bool:
        return any("fetch_job" in text for text in worker.proxy.texts)

    await until(looks, worker)


async def until(condition: Callable[[], Awaitable[bool]], member: Member | None = None) -> None:
    """Return as soon as something is so; a member's log is shown when it ends before."""
    give_up = monotonic() + PATIENCE_SECONDS
    while not await condition():
        ended = member is not None and member.process.ended.done()
        if ended or monotonic() > give_up:
            said = "" if member is None else member.process.log.read_text()
            raise AssertionError(f"it did not come about; the log says: {said}")
        await asyncio.sleep(GLANCE_SECONDS)
