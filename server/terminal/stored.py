"""The database alone, for commands that only look something up; and what a failure means to the shell."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from persistence.errors import PersistenceError
from persistence.scope import Identity, Role, Scope
from server.refusals import Refused
from server.settings import Settings
from server.terminal.exits import CommandFailed, ExitCode, exit_code_of_status
from server.terminal.people import user_id_of
from server.wiring import connected


@asynccontextmanager
async def reading(settings: Settings, user: str | None) -> AsyncGenerator[Scope]:
    """Open one transaction in a user's name, as the API.

    Raises:
        CommandFailed: there is no usable database.
    """
    with failures_told():
        async with connected(settings) as database:
            user_id = await user_id_of(database, user, settings)
            async with database.acting(Role.API, Identity(user_id)) as scope:
                yield scope


@contextmanager
def failures_told() -> Generator[None]:
    """Turn what is foreseen into the command's own failure.

    Raises:
        CommandFailed: with the exit code that fits.
    """
    try:
        yield
    except Refused as refusal:
        raise CommandFailed(exit_code_of_status(refusal.status), str(refusal)) from refusal
    except PersistenceError as error:
        raise CommandFailed(ExitCode.UNREACHABLE, f"{error} `planwright doctor` says more.") from error


def no_such_run(run_id: UUID) -> CommandFailed:
    """Return the failure for a run that is not there, or is someone else's."""
    return CommandFailed(ExitCode.FAILED, f"There is no run {run_id}. `planwright runs` lists yours.")
