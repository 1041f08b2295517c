"""News between processes: each of these is one process, on one database."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from persistence import news as news_module
from persistence.news import CHANNEL, IDS_AT_ONCE, Hear, exchanged
from persistence.scope import DISPATCH, login
from tests.conftest import TEST_SECRET


@dataclass
class Process:
    """What one process heard."""

    heard: list[UUID] = field(default_factory=list[UUID])
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    rang: asyncio.Event = field(default_factory=asyncio.Event)
    tell: Hear = lambda _: None

    def hear(self, run_id: UUID) -> None:
        """Take note of a run."""
        self.heard.append(run_id)
        self.rang.set()

    async def hears(self, *run_ids: UUID) -> None:
        """Return when each of these runs was heard of."""
        while not set(run_ids) <= set(self.heard):
            self.rang.clear()
            await self.rang.wait()


@asynccontextmanager
async def running(conninfo: str) -> AsyncGenerator[Process]:
    """Start a process that exchanges news."""
    process = Process()
    async with exchanged(conninfo, process.hear, process.listening.set) as tell:
        process.tell = tell
        yield process


@pytest.fixture
def conninfo(admin_dsn: str) -> str:
    """Give the way of the login that may notify."""
    return login(admin_dsn, DISPATCH, TEST_SECRET)


@pytest.fixture
async def two(conninfo: str) -> AsyncIterator[tuple[Process, Process]]:
    """Give two processes that listen."""
    async with running(conninfo) as here, running(conninfo) as there:
        await here.listening.wait()
        await there.listening.wait()
        yield here, there


async def test_what_one_process_tells_the_others_hear(two: tuple[Process, Process]) -> None:
    """Both ways; and nobody hears of what it told itself."""
    here, there = two
    ours, theirs = uuid4(), uuid4()
    here.tell(ours)
    await there.hears(ours)
    there.tell(theirs)
    await here.hears(theirs)
    assert (here.heard, there.heard) == ([theirs], [ours])


async def test_commits_of_one_moment_are_told_together(two: tuple[Process, Process], conninfo: str) -> None:
    """A thousand commits of some runs are a handful of notifications, each within what a payload may be."""
    here, there = two
    told = [uuid4() for _ in range(3 * IDS_AT_ONCE - 1)]
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as spy:
        await spy.execute(f"listen {CHANNEL}")
        for run_id in [*told, *told]:
            here.tell(run_id)
        await there.hears(*told)
        payloads = [notify.payload async for notify in spy.notifies(timeout=0.5, stop_after=3)]
    assert len(payloads) == 3
    assert max(len(payload) for payload in payloads) < 8000
    assert sorted(there.heard) == sorted(told)


async def test_a_connection_that_breaks_is_replaced(two: tuple[Process, Process], admin_dsn: str) -> None:
    """Whoever lost the connection listens again, and takes it that something was missed meanwhile."""
    here, there = two
    here.listening.clear()
    there.listening.clear()
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = %s and datname = current_database()",
            (DISPATCH,),
        )
    await here.listening.wait()
    await there.listening.wait()
    run_id = uuid4()
    here.tell(run_id)
    await there.hears(run_id)


async def test_a_connection_that_only_looks_alive_is_replaced(conninfo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that swallows everything without a word is noticed, and listening begins anew."""
    monkeypatch.setattr(news_module, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(news_module, "ANSWER_SECONDS", 0.3)
    async with Wire(conninfo).laid() as wire, running(wire.conninfo) as process:
        await process.listening.wait()
        process.listening.clear()
        wire.swallow()
        await process.listening.wait()


async def test_telling_never_waits_and_never_fails(two: tuple[Process, Process]) -> None:
    """Without a server to be reached, telling costs nothing, and the process starts and stops all the same."""
    began = monotonic()
    async with running("host=127.0.0.1 port=1 user=nobody") as alone:
        for _ in range(1000):
            alone.tell(uuid4())
    assert monotonic() - began < news_module.LAST_WORDS_SECONDS + 1.0


async def test_the_last_words_of_a_process_are_heard(conninfo: str) -> None:
    """What was told right before a process stops is still told."""
    run_id = uuid4()
    async with running(conninfo) as there:
        await there.listening.wait()
        async with running(conninfo) as here:
            await here.listening.wait()
            here.tell(run_id)
        await there.hears(run_id)


async def test_what_is_no_news_is_passed_over(two: tuple[Process, Process], admin_dsn: str) -> None:
    """Anyone in the database may use the channel; what is not the id of a run is no harm."""
    here, there = two
    run_id = uuid4()
    with psycopg.connect(admin_dsn, autocommit=True) as someone:
        for said in ("", "x" * 7000, "-" * 36, f"{run_id}"[:-1]):
            someone.execute("select pg_notify(%s, %s)", (CHANNEL, said))
    here.tell(run_id)
    await there.hears(run_id)
    assert there.heard == [run_id]


class Wire:
    """A way to the server on which connections can go dead without a word."""

    def __init__(self, conninfo: str) -> None:
        self._to = conninfo_to_dict(conninfo)
        self._dead: set[asyncio.Event] = set()
        self.conninfo = conninfo

    @asynccontextmanager
    async def laid(self) -> AsyncGenerator["Wire"]:
        """Open the way."""
        async with await asyncio.start_server(self._connect, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            self.conninfo = make_conninfo(self.conninfo, host="127.0.0.1", port=port, tcp_user_timeout=None)
            yield self
            self.swallow()

    def swallow(self) -> None:
        """Carry nothing more over the connections that are open now."""
        for dead in self._dead:
            dead.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dead = asyncio.Event()
        self._dead.add(dead)
        host, port = str(self._to["host"]), int(self._to.get("port") or 5432)
        far_reader, far_writer = (
            await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            if host.startswith("/")
            else await asyncio.open_connection(host, port)
        )
        carrying = [
            asyncio.create_task(_carry(reader, far_writer)),
            asyncio.create_task(_carry(far_reader, writer)),
        ]
        await dead.wait()
        for task in carrying:
            task.cancel()
        far_writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
