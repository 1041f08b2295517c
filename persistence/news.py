"""News between processes: which runs have something new in their log, told by NOTIFY.

A hint on top of the truth, which is the log: who hears nothing looks again after a
while. So nobody waits for anything here, and what goes wrong is tried again. News
has a connection of its own, outside of the transactions that it tells of: NOTIFY
takes a lock of the whole database when it commits.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, Notify
from psycopg.conninfo import make_conninfo

from persistence.hanging_up import hung_up_after
from persistence.lasting import lasting

CHANNEL: Final = "planwright_news"
GATHER_SECONDS: Final = 0.05  # one notification tells of every commit of that time
IDS_AT_ONCE: Final = 200  # of 36 bytes and a comma: a payload has to be shorter than 8,000 bytes
SILENCE_SECONDS: Final = 5.0  # after which the connection has to show that it is alive
ANSWER_SECONDS: Final = 5.0  # for a statement or a new connection
LAST_WORDS_SECONDS: Final = 1.0  # to tell what is left when the process stops
RETRY_SECONDS: Final = 0.1
RETRY_MAX_SECONDS: Final = 5.0

Hear = Callable[[UUID], None]

_ID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

log = logging.getLogger(__name__)


class News:
    """One process's ear and mouth: `heard` is called for each run that another process told of.

    `missed` is called whenever listening begins: what was told before then, nobody heard.
    """

    def __init__(self, conninfo: str, heard: Hear, missed: Callable[[], None]) -> None:
        self._conninfo: Final = make_conninfo(conninfo, application_name=CHANNEL)
        self._heard: Final = heard
        self._missed: Final = missed
        self._untold: Final[set[UUID]] = set()
        self._due: Final = asyncio.Event()
        self._told: Final = asyncio.Event()

    def tell(self, run_id: UUID) -> None:
        """Have the other processes told of a run, a moment later; nothing is waited for."""
        if not self._untold:
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._due.set)
        self._untold.add(run_id)

    async def exchange(self) -> None:
        """Listen and tell until cancelled; a connection that breaks is replaced."""
        pause = RETRY_SECONDS
        while True:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
                async with connection:
                    await self._listen(connection)
                    pause = RETRY_SECONDS
                    await self._converse(connection)
            except (psycopg.Error, TimeoutError) as error:
                log.warning("News of other processes comes late for now: %s", type(error).__name__)
            self._untold.clear()  # there is no end of it while nobody can be told; readers look by themselves
            await asyncio.sleep(pause * (1 + secrets.randbelow(100) / 100))
            pause = min(2 * pause, RETRY_MAX_SECONDS)

    async def told(self) -> None:
        """Return when everything was told, or after `LAST_WORDS_SECONDS`."""
        self._told.clear()
        self._due.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._told.wait()

    async def _listen(self, connection: AsyncConnection) -> None:
        own = connection.info.backend_pid

        def hear(notify: Notify) -> None:
            if notify.pid != own:
                for run_id in _ID.findall(notify.payload):
                    self._heard(UUID(run_id))

        connection.add_notify_handler(hear)
        with hung_up_after(connection, ANSWER_SECONDS):
            await connection.execute(f"listen {CHANNEL}")
        self._missed()

    async def _converse(self, connection: AsyncConnection) -> None:
        """Tell what is untold, whenever that is due, something was heard or it was silent for a while.

        One statement serves all three: what the server has to say comes with its
        answer, and no answer means that the connection is gone.
        """
        while True:
            with _readable(connection, self._due), suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_SECONDS):
                    await self._due.wait()
            self._due.clear()
            with hung_up_after(connection, ANSWER_SECONDS):
                await connection.execute(
                    "select pg_notify(%s, payload) from unnest(%s::text[]) as payload", (CHANNEL, self._payloads())
                )
            self._told.set()

    def _payloads(self) -> list[str]:
        """Take what is untold, as payloads."""
        ids = [str(run_id) for run_id in self._untold]
        self._untold.clear()
        return [",".join(ids[at : at + IDS_AT_ONCE]) for at in range(0, len(ids), IDS_AT_ONCE)]


@contextmanager
def _readable(connection: AsyncConnection, event: asyncio.Event) -> Generator[None]:
    """Set the event as soon as the server says something."""
    loop = asyncio.get_running_loop()
    place = connection.fileno()
    loop.add_reader(place, event.set)
    try:
        yield
    finally:
        loop.remove_reader(place)


@asynccontextmanager
async def exchanged(conninfo: str, heard: Hear, missed: Callable[[], None]) -> AsyncGenerator[Hear]:
    """Exchange news with the other processes on a database; give the function that tells them of a run.

    `conninfo` is of the login that may notify, `scope.DISPATCH`. It need not be
    reachable, now or later.
    """
    news = News(conninfo, heard, missed)
    exchanging = lasting("news", news.exchange)
    try:
        yield news.tell
    finally:
        await news.told()
        exchanging.cancel()
        await asyncio.wait({exchanging})
