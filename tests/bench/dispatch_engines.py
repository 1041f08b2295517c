"""The two engines as a program that enqueues meets them: each on a database of its own, through psycopg."""

from typing import ClassVar, Final, Protocol

import pgqueuer
import psycopg
from pgqueuer.models import JobId
from procrastinate import App, PsycopgConnector

Connection = psycopg.AsyncConnection[tuple[object, ...]]


class Engine(Protocol):
    """What is measured, and asked for in the transaction of whoever calls."""

    name: ClassVar[str]
    """The distribution's name, which is the worker's and the database's too."""

    async def install(self, dsn: str) -> None:
        """Create the engine's tables."""
        ...

    async def enqueue(self, connection: Connection, lane: str, arguments: list[str]) -> int:
        """Put jobs into a lane; return the number of the last."""
        ...

    async def abort(self, connection: Connection, job: int) -> None:
        """Ask for the end of a running job."""
        ...

    async def unfinished(self, connection: Connection, lane: str) -> int:
        """Count the jobs of a lane that wait or run."""
        ...


class Procrastinate:
    """Procrastinate by its SQL functions, as a function of ours would call them."""

    name: ClassVar[str] = "procrastinate"

    async def install(self, dsn: str) -> None:
        """Create the engine's tables."""
        async with App(connector=PsycopgConnector(conninfo=dsn)).open_async() as app:
            await app.schema_manager.apply_schema_async()

    async def enqueue(self, connection: Connection, lane: str, arguments: list[str]) -> int:
        """Put jobs into a lane; return the number of the last."""
        added = await connection.execute(
            "select max(id) from unnest(procrastinate_defer_jobs_v1(array("
            "select row (%s, 'bench', 0, null, null, jsonb_build_object('what', what), null)"
            "::procrastinate_job_to_defer_v1 from unnest(%s::text[]) as what))) as id",
            (lane, arguments),
        )
        return await number(added)

    async def abort(self, connection: Connection, job: int) -> None:
        """Ask for the end of a running job."""
        await connection.execute("select procrastinate_cancel_job_v1(%s, true, false)", (job,))

    async def unfinished(self, connection: Connection, lane: str) -> int:
        """Count the jobs of a lane that wait or run."""
        asked = "select count(*) from procrastinate_jobs where queue_name = %s and status in ('todo', 'doing')"
        return await number(await connection.execute(asked, (lane,)))


class PgQueuer:
    """PgQueuer by its own client."""

    name: ClassVar[str] = "pgqueuer"

    async def install(self, dsn: str) -> None:
        """Create the engine's tables."""
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await pgqueuer.Queries.from_psycopg_connection(connection).install()

    async def enqueue(self, connection: Connection, lane: str, arguments: list[str]) -> int:
        """Put jobs into a lane; return the number of the last."""
        queries = pgqueuer.Queries.from_psycopg_connection(connection)
        lanes, urgency = [lane] * len(arguments), [0] * len(arguments)
        return max(await queries.enqueue(lanes, [argument.encode() for argument in arguments], urgency))

    async def abort(self, connection: Connection, job: int) -> None:
        """Ask for the end of a running job."""
        await pgqueuer.Queries.from_psycopg_connection(connection).mark_job_as_cancelled([JobId(job)])

    async def unfinished(self, connection: Connection, lane: str) -> int:
        """Count the jobs of a lane that wait or run."""
        asked = "select count(*) from pgqueuer where entrypoint = %s and status in ('queued', 'picked')"
        return await number(await connection.execute(asked, (lane,)))


ENGINES: Final[tuple[Engine, ...]] = (Procrastinate(), PgQueuer())


async def number(answer: psycopg.AsyncCursor[tuple[object, ...]]) -> int:
    """Return the one number of an answer."""
    row = await answer.fetchone()
    assert row is not None, "an aggregate always answers"
    assert isinstance(row[0], int), "the column is a whole number"
    return row[0]
