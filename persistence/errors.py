"""What can go wrong between the program and its database, one class a fact."""


class PersistenceError(Exception):
    """Root of the room's errors."""


class DatabaseUnavailable(PersistenceError):
    """The database does not answer, or no connection came free in time."""

    def __init__(self) -> None:
        super().__init__("The database does not answer right now.")


class OnReplica(PersistenceError):
    """The database is a replica: what it shows may be old, and nothing can be written to it."""

    def __init__(self) -> None:
        super().__init__("The database is a read replica. Name its primary in PLANWRIGHT_DATABASE_URL.")


class AddressInvalid(PersistenceError):
    """The database's address is no connection string. Its text may hold a password and is not repeated."""

    def __init__(self) -> None:
        super().__init__("PLANWRIGHT_DATABASE_URL is not a connection string such as postgresql://user@host/name.")


class Conflict(DatabaseUnavailable):
    """Two transactions got in each other's way, and this one was undone: the same once more may succeed."""


class StatementTimedOut(PersistenceError):
    """A statement or a lock took longer than its role may take."""

    def __init__(self) -> None:
        super().__init__("The database took too long over one statement.")


class SubjectTaken(PersistenceError):
    """An issuer's subject is another user already."""

    def __init__(self) -> None:
        super().__init__("That subject is another user already.")


class StatementRefused(PersistenceError):
    """The database refused the values of a statement: a check, a key, a range."""

    def __init__(self) -> None:
        super().__init__("The database refused these values.")


class StoodStill(PersistenceError):
    """A transaction did nothing for so long that the server ended it: the process, or a tool in it, stood still."""

    def __init__(self) -> None:
        super().__init__("A transaction stood still for too long, so nothing of it was stored.")


class TransactionLost(PersistenceError):
    """A transaction was to be committed in which a statement had failed."""

    def __init__(self) -> None:
        super().__init__("A statement had failed, so nothing of this transaction was stored.")


class Fenced(PersistenceError):
    """Another attempt holds the run, or the run has ended: nothing may be written."""

    def __init__(self) -> None:
        super().__init__("This attempt no longer holds the run.")


class CancelRequested(PersistenceError):
    """A person stopped the run: what has begun may be written down, nothing more may begin."""

    def __init__(self) -> None:
        super().__init__("The run is to be stopped, so nothing of it begins any more.")


class NoRoom(PersistenceError):
    """The person's last minute has no room for a model call; `wait_seconds` until what is charged leaves room."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("The last minute has no room for another model call.")
        self.wait_seconds = wait_seconds


class UnsafeRole(PersistenceError):
    """A login role could step around row security."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The role {role} may step around row security: it is a superuser, may bypass it, owns the tables or "
            "is in a predefined role (pg_…), itself or through a role that was granted to it. Take that away first."
        )


class MigrationChanged(PersistenceError):
    """A migration that already ran has another text now."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Migration {name} was changed after it ran. Migrations are immutable: add a new one.")


class SchemaIsNewer(PersistenceError):
    """The database was migrated by a newer release."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The database holds migration {name}, which this release does not know. Upgrade Planwright.")
