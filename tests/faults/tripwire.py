"""The moment at which a fault strikes: one statement among those that are counted."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.faults.proxy import Proxy

RUN_ROLES: Final = frozenset({"planwright_worker", "planwright_executor"})  # a run's own statements
DISPATCH_ROLES: Final = frozenset({"planwright_dispatch"})
API_ROLES: Final = frozenset({"planwright_api"})


FENCE: Final = "pass_fence"  # which only the worker that holds a run asks for


class Edge(StrEnum):
    """On which side of the database's work the fault strikes."""

    BEFORE = "before"  # the statement never reaches the database
    AFTER = "after"  # the database has answered, and the client does not know


@dataclass(frozen=True, slots=True)
class Statement:
    """A message of statements that was counted; `earlier` are those before it in its transaction."""

    number: int
    role: str
    sql: str
    earlier: tuple[str, ...]

    @property
    def commits(self) -> bool:
        """Say whether it ends a transaction for good, with its last statement."""
        return self.sql.lower().endswith("commit")

    def commits_after(self, part: str) -> bool:
        """Say whether it ends a transaction that did something of that name."""
        return self.commits and any(part in sql for sql in (*self.earlier, self.sql))


Wanted = Callable[[Statement], bool]
Act = Callable[["Proxy"], None]


class Tripwire:
    """Counts the statements of some roles over all proxies, and acts once, at the first that is wanted.

    `act` is called between two bytes: nothing of the statement (`BEFORE`) or of
    its answer (`AFTER`) has passed the proxy then.
    """

    def __init__(self, roles: Collection[str], wanted: Wanted, edge: Edge, act: Act) -> None:
        self.sprung: Final[asyncio.Future[Proxy]] = asyncio.get_running_loop().create_future()
        self.seen: Final[list[Statement]] = []
        self.holder: Proxy | None = None  # by which a write of a run came last
        self._roles: Final = roles
        self._wanted: Final = wanted
        self._edge: Final = edge
        self._act: Final = act

    def sent(self, proxy: "Proxy", role: str, sql: str, earlier: tuple[str, ...]) -> Statement | None:
        """Count a statement that is about to be passed on."""
        if role not in self._roles:
            return None
        statement = Statement(len(self.seen), role, sql, earlier)
        self.seen.append(statement)
        if FENCE in sql:
            self.holder = proxy
        self._strike(Edge.BEFORE, proxy, statement)
        return statement

    def answered(self, proxy: "Proxy", statement: Statement) -> None:
        """Take note that a statement's answer is about to be passed back."""
        self._strike(Edge.AFTER, proxy, statement)

    def _strike(self, edge: Edge, proxy: "Proxy", statement: Statement) -> None:
        if edge is self._edge and not self.sprung.done() and self._wanted(statement):
            self._act(proxy)
            self.sprung.set_result(proxy)


def counting(roles: Collection[str]) -> Tripwire:
    """Return a wire that only counts."""
    return Tripwire(roles, lambda _: False, Edge.BEFORE, lambda _: None)


def at_nth(number: int, wanted: Wanted) -> Wanted:
    """Want the n-th of the statements that are wanted otherwise, from 0."""
    passed = count()
    return lambda statement: wanted(statement) and next(passed) == number


def appends(statement: Statement) -> bool:
    """Want the end of each transaction that appended to a log: an event boundary."""
    return statement.commits_after("append_events")


def of_a_job(statement: Statement) -> bool:
    """Want what takes a job from the queue or ends one, and the end of either transaction."""
    parts = ("fetch_job", "finish_job")
    return any(part in statement.sql or statement.commits_after(part) for part in parts)


def at_number(number: int) -> Wanted:
    """Want the statement of that number, from 0."""
    return lambda statement: statement.number == number
