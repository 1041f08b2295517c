"""One attempt of a run, as it writes.

What need not be stored at once travels with the attempt's next transaction, in front of what that
writes: a crash in between leaves what a crash just before it was written would have left.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from persistence.pools import Database
from persistence.scope import Identity, Role, Scope

Store = Callable[[Scope], None]


class Attempt:
    """The transactions of one attempt of one run; each passes the run's fence first."""

    def __init__(self, database: Database, identity: Identity) -> None:
        assert identity.run_id is not None, "an attempt is one of a run"
        self.database: Final = database
        self.identity: Final = identity
        self.run_id: Final = identity.run_id
        self._owed: Final[list[Store]] = []

    def owe(self, store: Store) -> None:
        """Leave it to the next transaction to store this; what is owed is stored in the order in which it came."""
        self._owed.append(store)

    def writing(self, *, lent: bool = False) -> AbstractAsyncContextManager[Scope]:
        """Open a transaction, and store in it first what is owed.

        Raises:
            PersistenceError: as `Database.acting`; what is owed is owed to the next one then.
        """
        return self.database.acting(Role.WORKER, self.identity, lent=lent, first=self._pay)

    def _pay(self, scope: Scope) -> None:
        if owed := len(self._owed):
            scope.after_commit(partial(self._paid, owed))
            for store in self._owed:
                store(scope)

    def _paid(self, owed: int) -> None:
        del self._owed[:owed]
