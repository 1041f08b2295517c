"""Watching a run to its end, with the decisions it waits for, and what Ctrl-C means meanwhile.

The first Ctrl-C asks for the run to be stopped and waits for its honest end, the
second does not wait. SIGTERM and a closed terminal leave the run as it is: what
is worked on here goes to other workers, or to whoever follows it next.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import typer

from nodes.vocabulary.view import RunView
from server.client.frames import Frame
from server.client.sending import Decided
from server.terminal.answering import Answering, Wish, first, here_or_later, left
from server.terminal.backend import Backend
from server.terminal.exits import CommandFailed, ExitCode, exit_code_of
from server.terminal.screen import Screen, shown

LEAVING: Final = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a run, and what that means to the shell."""

    view: RunView
    exit_code: ExitCode


async def watch(backend: Backend, frames: AsyncGenerator[Frame], *, as_json: bool, wish: Wish | None = None) -> Watched:
    """Show a run until it ends, waits for somebody who is not here, or the person leaves it.

    Where it waits for a person, `wish` decides the first time, from then on the
    person at the terminal; then it goes on in the same view.

    Raises:
        CommandFailed: the stream cannot be had or went away for good, or a decision was refused.
    """
    answering = left if as_json else here_or_later()
    if wish is not None:
        answering = first(wish, answering)
    with shown(as_json=as_json) as screen:
        stayed = await _shown(backend, frames, screen)
        while stayed and (decided := await _decided(screen, answering)) is not None:
            stayed = await _shown(backend, backend.decide(_run_id(screen.view), decided), screen)
    if not stayed:
        _say_how_to_rejoin(screen.view)
        return Watched(screen.view, ExitCode.INTERRUPTED)
    if screen.view.waiting is not None and not as_json:
        _say_how_to_decide(screen.view)
    return Watched(screen.view, exit_code_of(screen.view))


async def _shown(backend: Backend, frames: AsyncGenerator[Frame], screen: Screen) -> bool:
    """Show a stream to its end; False when the person left before."""
    reading = asyncio.create_task(_read(frames, screen))
    interrupts = Interrupts(backend, screen, reading)
    with interrupts.handled():
        await asyncio.wait([reading])
    await interrupts.settled()
    if reading.cancelled():
        return False
    await reading
    return True


async def _read(frames: AsyncGenerator[Frame], screen: Screen) -> None:
    async with aclosing(frames):
        async for frame in frames:
            screen.show(frame)
            if screen.view.ended:
                return


async def _decided(screen: Screen, answering: Answering) -> Decided | None:
    """Return what is decided on the calls that the run waits for; None when it waits for none, or longer."""
    if screen.view.waiting is None:
        return None
    screen.pause()
    return await answering(screen.view.waiting)


def _run_id(view: RunView) -> UUID:
    assert view.run_id is not None, "a run that waits was accepted"
    return view.run_id


def _say_how_to_rejoin(view: RunView) -> None:
    if view.run_id is not None:
        typer.echo(f"Left run {view.run_id} as it is. Rejoin it with: planwright tail {view.run_id}", err=True)


def _say_how_to_decide(view: RunView) -> None:
    command = f"planwright decide {view.run_id}"
    typer.echo(f"The run waits. Decide with: {command} --approve, or --deny; --drop N leaves a call out.", err=True)


class Interrupts:
    """What each Ctrl-C does while a run is watched, and what the end of the terminal does."""

    def __init__(self, backend: Backend, screen: Screen, reading: asyncio.Task[None]) -> None:
        self._backend: Final = backend
        self._screen: Final = screen
        self._reading: Final = reading
        self._stopping: asyncio.Task[None] | None = None

    @contextmanager
    def handled(self) -> Generator[None]:
        """Take the signals over for a while."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.pressed)
        for number in LEAVING:
            loop.add_signal_handler(number, self._reading.cancel)
        try:
            yield
        finally:
            for number in (signal.SIGINT, *LEAVING):
                loop.remove_signal_handler(number)

    def pressed(self) -> None:
        """Stop the run at the first press; leave at the second, or when nothing was accepted yet."""
        if self._stopping is not None:
            self._stopping.cancel()
        if self._screen.view.run_id is None or self._stopping is not None:
            self._reading.cancel()
            return
        typer.echo("Stopping. Press Ctrl-C again to leave without waiting for its end.", err=True)
        self._stopping = asyncio.create_task(self._stop())

    async def settled(self) -> None:
        """Wait for a stop that is on its way, so that it is not lost with the process."""
        if self._stopping is not None:
            await asyncio.wait([self._stopping])

    async def _stop(self) -> None:
        run_id = self._screen.view.run_id
        assert run_id is not None, "only a run that was accepted is stopped"
        try:
            await self._backend.cancel(run_id)
        except CommandFailed as failure:
            typer.echo(f"planwright: {failure}", err=True)
