"""A psycopg connection that also sends statements together: one message there, one back.

Over `AsyncConnection.execute`, a transaction of six statements waits and wakes up six
times; through libpq's pipeline mode, with psycopg's own conversion of values, once, for
a fifth of the CPU. psycopg's `pipeline()` takes more than half of it. Measured by
`python -m tests.bench.overheads`.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from time import monotonic
from typing import ClassVar, Final, TypeVar, cast

import orjson
from psycopg import AsyncConnection, AsyncCursor, Error, OperationalError, ProgrammingError, abc
from psycopg.abc import Params, PQGen, QueryNoTemplate
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import AsyncRowFactory, TupleRow, tuple_row
from psycopg.types.json import set_json_dumps

from persistence.listening import Ear

GIVING_UP_SECONDS: Final = 5.0  # for the server to stop a statement whose caller was cancelled
STATEMENTS_KEPT: Final = 1_000  # of those that were converted; the program has some three hundred

_PLACEHOLDER: Final = re.compile(r"%(?:%|s|\((\w+)\)s)")
_FINE: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY})
_ANSWERS: Final = _FINE | {ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED}

_Key = tuple[bytes, tuple[int, ...]]  # a statement and the types of its values
Row = TypeVar("Row")


@lru_cache(STATEMENTS_KEPT)
def numbered(query: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement with $1, $2 … in place of %s or %(name)s, and the names in the order of their numbers."""
    names: dict[str, int] = {}
    places = count(1)

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${next(places)}" if found[1] is None else f"${names.setdefault(found[1], len(names) + 1)}"

    return _PLACEHOLDER.sub(number, query).encode(), tuple(names)


class Sent:
    """A statement on its way; it has an outcome as soon as a later one was waited for."""

    def __init__(self, query: str, params: Params | None, conversion: abc.Transformer) -> None:
        self._conversion: Final = conversion
        self._result: PGresult | None = None
        if params is None:
            self.text = query.encode()
            self.values: Sequence[abc.Buffer | None] | None = None
            self.types: tuple[int, ...] = ()
            self.formats: Sequence[int] | None = None
            return
        self.text, names = numbered(query)
        named = cast("Mapping[str, object]", params)
        given = [named[name] for name in names] if names else list(params)
        self.values = conversion.dump_sequence(given, [PyFormat.AUTO] * len(given))
        self.types, self.formats = conversion.types or (), conversion.formats

    @property
    def touched(self) -> int:
        """Return how many rows it touched, or found."""
        return self._outcome.command_tuples or 0

    def rows(self, row: type[Row]) -> list[Row]:
        """Return what it found, as `row(**columns)`."""
        found = self._outcome
        names = [(found.fname(place) or b"").decode() for place in range(found.nfields)]
        self._conversion.set_pgresult(found)
        return self._conversion.load_rows(0, found.ntuples, lambda values: row(**dict(zip(names, values, strict=True))))

    def first_column(self) -> object:
        """Return the first column of the first row; None when there is no row."""
        if self._outcome.ntuples == 0:
            return None
        self._conversion.set_pgresult(self._outcome)
        return self._conversion.load_row(0, tuple)[0]

    @property
    def is_done(self) -> bool:
        """Say whether it is known to have run without an error."""
        return self._result is not None and self._result.status in _FINE

    def ended(self, result: PGresult) -> None:
        """Take the outcome."""
        self._result = result

    @property
    def _outcome(self) -> PGresult:
        assert self._result is not None, "nobody has waited for it"
        return self._result


class PipelinedConnection(AsyncConnection[TupleRow]):
    """A connection with statements on their way.

    `send` puts a statement down, `answer` sends what was put down and waits for
    its outcomes. Neither begins or ends a transaction: that is done by statements.
    """

    names_statements: ClassVar[bool] = False

    def __init__(self, pgconn: PGconn, row_factory: AsyncRowFactory[TupleRow] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.answers = 0  # so far
        self.heard_at = monotonic()  # when the last of them came
        self.psycopg_ran = False  # something by itself, which it may have prepared
        set_json_dumps(_json, self)
        self._conversion: Final[abc.Transformer] = Transformer(self)
        self._ear: Final = Ear()
        self._put_down: list[Sent] = []
        self._names: Final[dict[_Key, bytes]] = {}
        self._numbers: Final = count()

    def send(self, query: str, params: Params | None = None) -> Sent:
        """Put a statement down; it runs in its place, and what it fails by is raised by the next `answer`."""
        sent = Sent(query, params, self._conversion)
        self._put_down.append(sent)
        return sent

    @property
    def owes_answers(self) -> bool:
        """Say whether statements were put down that nobody has sent."""
        return bool(self._put_down)

    def forget(self) -> None:
        """Leave what was put down unsent."""
        self._put_down.clear()

    async def answer(self) -> None:
        """Send what was put down, and wait until each statement has its outcome.

        Raises:
            psycopg.Error: what the first statement that failed did so by; those behind it did not run.
        """
        statements, self._put_down = self._put_down, []
        self.answers += 1
        try:
            await self.lock.acquire()
        except asyncio.CancelledError:
            self._hang_up()  # what was put down is lost, and nothing may run here as if it were not
            raise
        asked, results = list[_Asked](), list[PGresult]()
        try:
            asked = self._asked(statements)
            await self._heard(results)
        except Error:
            self._hang_up()
            raise
        except asyncio.CancelledError:
            if await self._given_up(results):
                self._take(asked, results)
            raise
        finally:
            self.lock.release()
        self._take(asked, results)
        for failure in _failures(results):
            raise failure

    async def execute(  # type: ignore[override] # no templates
        self, query: QueryNoTemplate, params: Params | None = None, *, prepare: bool | None = None, binary: bool = False
    ) -> AsyncCursor[TupleRow]:
        """Run a statement as psycopg does, behind what was put down."""
        if self._put_down:
            await self.answer()
        return await super().execute(query, params, prepare=prepare, binary=binary)

    async def wait(
        self,
        gen: PQGen[Row],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's
    ) -> Row:
        """Wait as psycopg does, which listens itself."""
        self.psycopg_ran = True
        self._ear.cover()
        return await super().wait(gen, interval, timeout)

    async def rollback(self) -> None:
        """Roll back what was sent, and leave the rest unsent; by psycopg if it ran something: it forgets that then."""
        self.forget()
        if self.psycopg_ran or self.pgconn.transaction_status != TransactionStatus.INTRANS:
            await super().rollback()
            self.psycopg_ran = False
        else:
            self.send("rollback")
            await self.answer()

    async def close(self) -> None:
        """Close the connection."""
        self._ear.cover()
        await super().close()

    def _take(self, asked: "Sequence[_Asked]", results: Sequence[PGresult]) -> None:
        """Hand the results out."""
        self.heard_at = monotonic()
        for each, result in zip(asked, results, strict=True):
            if isinstance(each, Sent):
                each.ended(result)
            elif result.status in _FINE:
                key, name = each
                self._names[key] = name

    def _hang_up(self) -> None:
        self._ear.cover()
        self.pgconn.finish()

    def _asked(self, statements: Sequence[Sent]) -> "list[_Asked]":
        """Hand statements to libpq; return what each result will be of: a statement, or the name it is given before."""
        pgconn, asked = self.pgconn, list[_Asked]()
        pgconn.enter_pipeline_mode()
        for statement in statements:
            if not self.names_statements:
                pgconn.send_query_params(statement.text, statement.values, statement.types, statement.formats)
            else:
                key = statement.text, statement.types
                if (name := self._names.get(key)) is None:
                    name = b"s%d" % next(self._numbers)
                    pgconn.send_prepare(name, statement.text, statement.types)
                    asked.append((key, name))
                pgconn.send_query_prepared(name, statement.values, statement.formats)
            asked.append(statement)
        pgconn.pipeline_sync()
        return asked

    async def _heard(self, results: list[PGresult]) -> None:
        """Wait for every result up to the end of what was asked, and add them to those that came before.

        Raises:
            OperationalError: the connection broke.
        """
        pgconn = self.pgconn
        while pgconn.flush():
            await self._news(writing=True)
        while True:
            while pgconn.is_busy():
                try:
                    await self._news()
                except OperationalError as error:  # the server may have said why before it hung up
                    raise next(_failures(results), error) from None
            result = pgconn.get_result()
            if result is None:
                if pgconn.status != ConnStatus.OK:
                    raise next(_failures(results), OperationalError("the connection is lost"))
            elif result.status == ExecStatus.PIPELINE_SYNC:
                pgconn.exit_pipeline_mode()
                return
            elif result.status in _ANSWERS:
                results.append(result)
            else:
                raise ProgrammingError("COPY is not for statements that are sent together")

    async def _news(self, *, writing: bool = False) -> None:
        """Wait until the server has said something, or, while `writing`, takes more."""
        await self._ear.hear(self.pgconn.socket, writing=writing)
        self.pgconn.consume_input()

    async def _given_up(self, results: list[PGresult]) -> bool:
        """Have the server stop what it is at, and hear it out; hang up when it does not. Say whether it did."""
        try:
            async with asyncio.timeout(GIVING_UP_SECONDS):
                await self.cancel_safe(timeout=GIVING_UP_SECONDS)
                await self._heard(results)
        except (Error, TimeoutError):
            self._hang_up()
            return False
        except BaseException:
            self._hang_up()
            raise
        return True


_Asked = Sent | tuple[_Key, bytes]


class NamingConnection(PipelinedConnection):
    """One that has each statement prepared when it is first used: the server plans it a few times, not each time."""

    names_statements: ClassVar[bool] = True


def _json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # for a number of more than 64 bits, half of a character, and names that are no text
        return json.dumps(value).encode()


def _failures(results: Sequence[PGresult]) -> Iterator[Error]:
    return (error_from_result(result) for result in results if result.status == ExecStatus.FATAL_ERROR)
