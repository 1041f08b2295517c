"""Planwright behind HTTP: the same backend as in this process, over the documented contract.

How a stream is followed and taken up again is the client's, `server/client`; here its
errors become what a command ends with.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, contextmanager
from typing import Final
from uuid import UUID

import httpx
import typer
from pydantic import BaseModel, TypeAdapter

from server.client.connections import TIMEOUT, AsyncConnection, signed
from server.client.errors import Conflict, ConnectionLost, NotReady, NotUnderstood, Refused, SignInRefused, Unreachable
from server.client.following import Following, Wish
from server.client.frames import Frame
from server.client.sending import Branch, Decided, Question
from server.terminal.backend import ExportForm
from server.terminal.exits import CommandFailed, ExitCode, exit_code_of_status
from server.terminal.printable import one_line
from server.undoing import Undoing

ERROR_CHARS: Final = 300
WAITING: Final = "waiting"  # as the status of a run that a person is to decide on
SIGN_IN_ADVICE: Final = " Make one with `planwright token new --user EMAIL` and set PLANWRIGHT_TOKEN to it."

_UNDOING: Final = TypeAdapter(Undoing)


class _Trace(BaseModel):
    """The part of a run's trace that says where it stands."""

    class Run(BaseModel):
        status: str

    run: Run


class _NewRun(BaseModel):
    """The part of an answer that names the run which was begun."""

    class Run(BaseModel):
        id: UUID

    run: Run


class RemoteBackend:
    """Planwright at an address. Implements `Backend`."""

    def __init__(self, client: httpx.AsyncClient, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._address: Final = str(client.base_url)
        self._connection: Final = AsyncConnection(client, pause)

    def ask(self, question: Question) -> AsyncGenerator[Frame]:
        """Post the message once and follow its run to its end."""
        return self._followed(Following(self._address, question=question, on_lost=_say_lost))

    def follow(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        """Follow a run from behind event `after`."""
        return self._followed(Following(self._address, run_id=run_id, after=after, on_lost=_say_lost))

    def decide(self, run_id: UUID, decided: Decided) -> AsyncGenerator[Frame]:
        """Post the decision and follow the run from there."""
        return self._followed(Following(self._address, decided=decided, run_id=run_id, on_lost=_say_lost))

    async def waits(self, run_id: UUID) -> bool:
        """Say whether a run waits for a person."""
        trace = await self._answered(Wish("GET", f"/api/agent/runs/{run_id}"))
        return _Trace.model_validate_json(trace).run.status == WAITING

    async def cancel(self, run_id: UUID) -> bool:
        """Ask for a run to be stopped."""
        with _errors_told():
            try:
                await self._connection.answer(Wish("POST", f"/api/agent/runs/{run_id}/cancel"))
            except Conflict:
                return False
        return True

    async def export(self, run_id: UUID, form: ExportForm) -> bytes:
        """Ask for the file."""
        return await self._answered(Wish("GET", f"/api/agent/runs/{run_id}/export", query={"as": (form,)}))

    async def replay(self, run_id: UUID) -> UUID:
        """Have it begun there."""
        begun = await self._answered(Wish("POST", f"/api/agent/runs/{run_id}/replay"))
        return _NewRun.model_validate_json(begun).run.id

    async def fork(self, run_id: UUID, branch: Branch) -> UUID:
        """Have it begun there."""
        begun = await self._answered(Wish("POST", f"/api/agent/runs/{run_id}/fork", branch.body()))
        return _NewRun.model_validate_json(begun).run.id

    async def undo(self, run_id: UUID) -> Undoing:
        """Have it undone there."""
        return _UNDOING.validate_json(await self._answered(Wish("POST", f"/api/agent/runs/{run_id}/undo")))

    async def _answered(self, wish: Wish) -> bytes:
        with _errors_told():
            return await self._connection.answer(wish)

    async def _followed(self, following: Following) -> AsyncGenerator[Frame]:
        with _errors_told():
            async with aclosing(self._connection.frames(following)) as frames:
                async for frame in frames:
                    yield frame


def client_for(server: str, token: str) -> httpx.AsyncClient:
    """Return an HTTP client for a server, signed in with a token.

    Raises:
        CommandFailed: the address is none, or there is no token.
    """
    if not server.startswith(("http://", "https://")):
        raise CommandFailed(ExitCode.USAGE, "The server's address begins with http:// or https://.")
    if not token:
        raise CommandFailed(ExitCode.NOT_SIGNED_IN, f"No token is given.{SIGN_IN_ADVICE}")
    return httpx.AsyncClient(base_url=server, headers=signed(token), timeout=TIMEOUT)


def _say_lost(try_number: int) -> None:
    typer.echo(f"Connection lost, reconnecting ({try_number})…", err=True)


@contextmanager
def _errors_told() -> Generator[None]:
    """Turn the client's errors into the command's own failure, in the server's words.

    Raises:
        CommandFailed: the server refused, is not there, or is something else.
    """
    try:
        yield
    except Unreachable as error:
        text = f"{error} Start a server there with `planwright serve`."
        raise CommandFailed(ExitCode.UNREACHABLE, text) from error
    except ConnectionLost as error:
        rejoin = "" if error.run_id is None else f" The run goes on; rejoin it with: planwright tail {error.run_id}"
        raise CommandFailed(ExitCode.UNREACHABLE, f"{error}{rejoin}") from error
    except NotUnderstood as error:
        raise CommandFailed(ExitCode.FAILED, str(error)) from error
    except Refused as error:
        raise CommandFailed(_exit_code_of(error), one_line(str(error), ERROR_CHARS) + _advice_on(error)) from error


def _exit_code_of(error: Refused) -> ExitCode:
    return ExitCode.UNREACHABLE if isinstance(error, NotReady) else exit_code_of_status(error.status)


def _advice_on(error: Refused) -> str:
    if isinstance(error, SignInRefused):
        return SIGN_IN_ADVICE
    return "" if error.retry_after_seconds is None else f" Try again in {error.retry_after_seconds} s."
