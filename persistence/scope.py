"""Who is asking, signed: the only way a statement reaches the database.

A scope is one transaction that carries a signed context (user, run, attempt,
role, expiry). Row security believes only that context, so a statement without
one, or with a forged one, sees no rows. The signature is HMAC-SHA256; the key
stands in a table that only its owner can read (`migrations/0001_access.sql`).
"""

import hashlib
import hmac
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Literal, LiteralString, TypeVar, cast, overload
from uuid import UUID

from psycopg import DatabaseError
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from persistence.pipelined import PipelinedConnection, Sent
from persistence.translation import translated

Row = TypeVar("Row")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
Question = Coroutine[Any, Any, A]

CONTEXT_LIFETIME_SECONDS: Final = 300  # longer than any transaction, with room for clocks that differ
CONTEXT_KEPT_SECONDS: Final = 30  # after which another is signed for the same
CONTEXTS_KEPT: Final = 2_000
HMAC_BLOCK_BYTES: Final = 64
PATIENCE: Final = {  # a peer that vanished without a word is given up after some ten seconds
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}


DISPATCH: Final = "planwright_dispatch"  # the login of the queue and of notifications: no context, nobody's rows


class Role(StrEnum):
    """The login roles that carry a context, by what they may do."""

    API = "planwright_api"
    WORKER = "planwright_worker"
    EXECUTOR = "planwright_executor"


@dataclass(frozen=True, slots=True)
class Identity:
    """In whose name a transaction acts, and for which attempt of which run."""

    user_id: UUID
    run_id: UUID | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """The installation's one secret; passwords and the signing key derive from it."""

    root: bytes

    def __repr__(self) -> str:
        return "Secret(…)"

    def password(self, role: str) -> str:
        """Return the login password of one database role."""
        return self._derive(f"password of {role}").hex()

    def signing_key(self) -> bytes:
        """Return the key that signs contexts, 32 bytes."""
        return self._derive("context signature")

    def token_key(self) -> str:
        """Return the key for bearer tokens of an installation that sets none."""
        return self._derive("bearer tokens").hex()

    def credential_key(self) -> bytes:
        """Return the key that marks the credentials of this installation, 32 bytes."""
        return self._derive("credentials")

    def _derive(self, purpose: str) -> bytes:
        return hmac.digest(self.root, purpose.encode(), "sha256")


def login(conninfo: str, role: str, secret: Secret) -> str:
    """Return the way to the same database as one of our own roles, its primary: a replica is not connected to."""
    patience = {name: value for name, value in PATIENCE.items() if name not in conninfo_to_dict(conninfo)}
    return make_conninfo(
        conninfo,
        user=role,
        password=secret.password(role),
        application_name=role,
        target_session_attrs="primary",
        **patience,
    )


def padded_keys(key: bytes) -> tuple[bytes, bytes]:
    """Return the inner and outer padded keys of HMAC (RFC 2104, section 2)."""
    block = key.ljust(HMAC_BLOCK_BYTES, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def signed_context(key: bytes, role: Role, who: Identity) -> str:
    """Return the text that `context_field()` in the database verifies; the same one for some seconds."""
    now = int(time.time())
    return _signed(key, role, who, now - now % CONTEXT_KEPT_SECONDS + CONTEXT_LIFETIME_SECONDS)


@lru_cache(CONTEXTS_KEPT)
def _signed(key: bytes, role: Role, who: Identity, expires: int) -> str:
    fields = (who.user_id, who.run_id or "", "" if who.attempt is None else who.attempt, role, expires)
    signed = "|".join(str(field) for field in fields)
    return f"{signed}|{hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()}"


class _Asked:
    """Where a question that is asked together with others stops, until all of them have their answers."""

    def __await__(self) -> Generator["_Asked"]:
        yield self


class Scope:
    """One open transaction in the name of one user.

    Every repository function takes one and asks its question through it, with
    parameters only; nothing else in the program holds a connection.
    """

    def __init__(self, connection: PipelinedConnection, ending: Literal["commit", "rollback"] = "commit") -> None:
        self.connection: Final = connection
        self._ending: Final = ending
        self._answers_before: Final = connection.answers
        self._after_commit: list[Callable[[], None]] = []
        self._last: Sent | None = None
        self._ends_with_next = False
        self._is_gathering = False
        self.ended = False  # by `ends_with_next`

    @property
    def begun(self) -> bool:
        """Say whether the server has heard of it."""
        return self.connection.answers > self._answers_before

    def send(self, query: LiteralString, params: Params | None = None) -> Sent:
        """Run one statement whose outcome is not waited for: it travels with the next one that is, or with the end.

        What it fails by is raised there.
        """
        assert not self.ended, "the transaction has ended with its last statement"
        return self.connection.send(query, params)

    def ends_with_next(self) -> None:
        """End with the next statement that is waited for: one answer brings both. It is the last one then."""
        self._ends_with_next = True

    async def execute(self, query: LiteralString, params: Params | None = None) -> int:
        """Run one statement; return the number of rows it touched."""
        return (await self._ended(query, params)).touched

    async def one(self, row: type[Row], query: LiteralString, params: Params | None = None) -> Row | None:
        """Return the first row as `row(**columns)`, or None when there is none."""
        found = await self.all(row, query, params)
        return found[0] if found else None

    async def only(self, row: type[Row], query: LiteralString, params: Params | None = None) -> Row:
        """Return the row of a statement that always yields one (`returning`, aggregates)."""
        found = await self.one(row, query, params)
        assert found is not None, "the statement yields a row in every case"
        return found

    async def all(self, row: type[Row], query: LiteralString, params: Params | None = None) -> list[Row]:
        """Return every row as `row(**columns)`."""
        return (await self._ended(query, params)).rows(row)

    async def value(self, kind: type[Row], query: LiteralString, params: Params | None = None) -> Row | None:
        """Return the first column of the first row, which is a `kind` or null."""
        value = (await self._ended(query, params)).first_column()
        assert value is None or isinstance(value, kind), f"expected {kind.__name__}, the column holds {type(value)}"
        return value

    async def sent(self) -> None:
        """Wait for the outcome of everything that was sent."""
        if self.connection.owes_answers:
            await self.connection.answer()

    async def _ended(self, query: LiteralString, params: Params | None) -> Sent:
        statement = self.send(query, params)
        await (_Asked() if self._is_gathering else self._answered())
        return statement

    async def _answered(self) -> None:
        if self._ends_with_next:
            self._last = self.connection.send(self._ending)
        await self.connection.answer()
        self.ended = self._ends_with_next

    @overload
    async def together(self, one: Question[A], two: Question[B], /) -> tuple[A, B]: ...
    @overload
    async def together(
        self,
        one: Question[A],
        two: Question[B],
        three: Question[C],
        four: Question[D],
        five: Question[E],
        six: Question[F],
        /,
    ) -> tuple[A, B, C, D, E, F]: ...
    @overload
    async def together(self, *questions: Question[A]) -> tuple[A, ...]: ...
    async def together(self, *questions: Question[Any]) -> tuple[Any, ...]:
        """Ask several questions in one message, and return their answers.

        Each asks with one statement: what one finds out, no other can ask with. They need no tasks: each is run up to
        its statement, and on once the message is answered.
        """
        self._is_gathering = True
        try:
            for question in questions:
                stopped_at = question.send(None)
                assert isinstance(stopped_at, _Asked), "a question waits for nothing but its answer"
            self._is_gathering = False
            await self._answered()
            return tuple(map(_answer_of, questions))
        finally:
            self._is_gathering = False
            for question in questions:
                question.close()

    async def commit(self) -> None:
        """End the transaction, and wait for the outcome of everything that was sent."""
        self._last = self.send("commit")
        await self.sent()

    @property
    def is_committed(self) -> bool:
        """Say whether it is known to have ended well, also when nobody waited for that."""
        return self._last is not None and self._last.is_done

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what is done inside when it raises, and keep the transaction usable.

        Raises:
            StatementRefused: the database refused the values of a statement inside.
            StatementTimedOut: a statement inside ran past its role's limit.
        """
        try:
            await self.sent()
            async with self.connection.transaction():
                yield
                await self.sent()
        except DatabaseError as error:
            raise translated(error) from error

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call `act` once this transaction is durable; never when it rolls back."""
        self._after_commit.append(act)

    def committed(self) -> None:
        """Run what waited for the commit. Called once, by whoever opened the scope."""
        for act in self._after_commit:
            act()


def _answer_of(question: Question[Row]) -> Row:
    try:
        question.send(None)
    except StopIteration as end:
        return cast("Row", end.value)
    raise AssertionError("a question asks once")
