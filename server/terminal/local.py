"""Planwright in this process: the same parts as the server, without HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from graph.models import ModelProfileInvalid
from persistence.errors import PersistenceError
from persistence.runs import runs, waiting
from persistence.runs.approvals import NOTE_MAX_CHARS
from persistence.runs.events import LoggedEvent
from persistence.runs.runs import Run, RunStatus
from persistence.scope import Identity, Role, Scope
from server.accept import accept
from server.bodies import Ask, Decision, Fork
from server.client.frames import Frame
from server.client.sending import Branch, Decided, Question
from server.deciding import decide
from server.exports.bundle import as_json, bundle_of
from server.exports.page import page_of
from server.rate import Rate
from server.rerunning import fork, replay
from server.settings import Settings, SettingsInvalid
from server.stopping import Stopped, stop_run
from server.tail import tail, wait_at_most
from server.terminal.backend import ExportForm
from server.terminal.exits import CommandFailed, ExitCode
from server.terminal.people import user_id_of
from server.terminal.stored import failures_told, no_such_run
from server.undoing import Undoing, undo_run
from server.wiring import Planwright, opened
from tools.errors import ToolsRefused

TAKE_UP_SECONDS: Final = 2.0  # between two looks whether nobody works on a run


class LocalBackend:
    """Planwright in this process, in one user's name. Implements `Backend`."""

    def __init__(self, planwright: Planwright, user_id: UUID) -> None:
        self._planwright: Final = planwright
        self._user_id: Final = user_id

    async def ask(self, question: Question) -> AsyncGenerator[Frame]:
        """Store the message, have its run worked on and follow it."""
        ask = _checked(question)
        with failures_told():
            here = self._planwright
            accepted = await accept(
                here.database,
                self._user_id,
                ask,
                queue=here.queue,
                rate=Rate(here.engine.limits, here.engine.least_tokens(ask.message)),
            )
        async with self._served(accepted.run.id), aclosing(self._tailed(accepted.run.id, 0)) as frames:
            async for frame in frames:
                yield frame

    async def follow(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        """Follow a run; one that nobody works on is taken up here."""
        async with self._reading() as scope:
            await _found(scope, run_id)
        async with self._served(run_id), aclosing(self._tailed(run_id, after)) as frames:
            async for frame in frames:
                yield frame

    async def waits(self, run_id: UUID) -> bool:
        """Say whether the run waits for a person."""
        async with self._reading() as scope:
            return (await _found(scope, run_id)).status == RunStatus.WAITING

    async def decide(self, run_id: UUID, decided: Decided) -> AsyncGenerator[Frame]:
        """Store the decision, have the run worked on here and follow it."""
        here, said = self._planwright, _said(decided)
        with failures_told():
            after = await decide(here.database, here.engine.registry, self._user_id, run_id, said, here.queue)
        here.hub.told(run_id)
        async with self._served(run_id), aclosing(self._tailed(run_id, after)) as frames:
            async for frame in frames:
                yield frame

    async def cancel(self, run_id: UUID) -> bool:
        """Ask for the run to be stopped, wherever it is worked on."""
        async with self._served(run_id):
            with failures_told():
                stopped = await stop_run(self._planwright, self._user_id, run_id)
        if stopped is Stopped.NOT_THERE:
            raise no_such_run(run_id)
        return stopped is Stopped.ASKED

    async def export(self, run_id: UUID, form: ExportForm) -> bytes:
        """Make the file from the tables."""
        async with self._reading() as scope:
            bundle = await bundle_of(scope, run_id)
        if bundle is None:
            raise no_such_run(run_id)
        return page_of(bundle) if form == "html" else as_json(bundle)

    async def replay(self, run_id: UUID) -> UUID:
        """Store a run that goes by the record."""
        await self._hold_found(run_id)
        with failures_told():
            run = await replay(self._planwright.engine, self._user_id, run_id, self._planwright.queue)
        return run.id

    async def fork(self, run_id: UUID, branch: Branch) -> UUID:
        """Store a run that goes another way."""
        await self._hold_found(run_id)
        with failures_told():
            said = Fork.model_validate(branch.body())
            run = await fork(self._planwright.engine, self._user_id, run_id, said, self._planwright.queue)
        return run.id

    async def undo(self, run_id: UUID) -> Undoing:
        """Undo it in the database."""
        await self._hold_found(run_id)
        with failures_told():
            return await undo_run(self._planwright.database, self._user_id, run_id)

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Scope]:
        """Open a transaction that may write to the user's workspace."""
        with failures_told():
            async with self._planwright.database.acting(Role.WORKER, Identity(self._user_id)) as scope:
                yield scope

    async def _tailed(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        here = self._planwright
        async with aclosing(tail(here.database, self._user_id, run_id, after, here.hub)) as events:
            async for event in events:
                if isinstance(event, LoggedEvent):
                    yield Frame(event.seq, event.payload)

    @asynccontextmanager
    async def _served(self, run_id: UUID) -> AsyncGenerator[None]:
        """Meanwhile work here on a run that nobody works on, and on those of its session that come before it."""
        over = asyncio.Event()
        taking_up = asyncio.create_task(self._take_up(run_id, over))
        try:
            yield
        finally:
            over.set()
            await asyncio.wait([taking_up])

    async def _take_up(self, run_id: UUID, over: asyncio.Event) -> None:
        """Bring to this process's queue what waits in another, also what waits there once its worker is given up."""
        while not over.is_set():
            with suppress(PersistenceError):
                await self._bring(run_id)
            await wait_at_most(over, TAKE_UP_SECONDS)

    async def _bring(self, run_id: UUID) -> None:
        async with self._planwright.database.acting(Role.API, Identity(self._user_id)) as scope:
            run = await runs.find(scope, run_id)
            for one in [] if run is None else await waiting.unfinished_in(scope, run.session_id):
                await runs.bring(scope, one.run_id, self._planwright.queue)

    async def _hold_found(self, run_id: UUID) -> None:
        async with self._reading() as scope:
            await _found(scope, run_id)

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Scope]:
        with failures_told():
            async with self._planwright.database.acting(Role.API, Identity(self._user_id)) as scope:
                yield scope


@asynccontextmanager
async def opened_here(settings: Settings, user: str | None) -> AsyncGenerator[LocalBackend]:
    """Start Planwright in this process, with its worker, in a user's name.

    Raises:
        CommandFailed: it cannot start; the text says why.
    """
    with failures_told(), setup_told():
        async with opened(settings) as planwright:
            yield LocalBackend(planwright, await user_id_of(planwright.database, user, settings))


@contextmanager
def setup_told() -> Generator[None]:
    """Turn what an operator set up wrongly into the command's own failure.

    Raises:
        CommandFailed: with the usage code.
    """
    try:
        yield
    except (SettingsInvalid, ModelProfileInvalid, ToolsRefused) as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error


async def _found(scope: Scope, run_id: UUID) -> Run:
    run = await runs.find(scope, run_id)
    if run is None:
        raise no_such_run(run_id)
    return run


def _said(decided: Decided) -> Decision:
    try:
        return Decision.model_validate(decided.body())
    except ValidationError:
        raise CommandFailed(ExitCode.USAGE, f"A note has at most {NOTE_MAX_CHARS:,} characters.") from None


def _checked(question: Question) -> Ask:
    try:
        with failures_told():
            return Ask.model_validate(question.body())
    except ValidationError:
        text = f"“{question.context_type}” is no context: use global, project, task or calendar."
        raise CommandFailed(ExitCode.USAGE, text) from None
