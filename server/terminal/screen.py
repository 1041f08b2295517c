"""Where a run is shown: a live tree, plain lines, or the events themselves.

Progress goes to stderr and the answer to stdout, so that a pipe carries the
answer alone.
"""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.markdown import Markdown

from nodes.vocabulary.view import Arrival, RunView, reduce
from server.client.frames import Frame
from server.terminal.card import card
from server.terminal.printable import printable
from server.terminal.progress import progress
from server.terminal.tree import drawn
from server.terminal.wording import MS_PER_SECOND


class Screen(Protocol):
    """Something that shows a run while it happens."""

    view: RunView

    def show(self, frame: Frame) -> None:
        """Take one more event."""

    def pause(self) -> None:
        """Show the calls that the run waits for, and leave the terminal to whoever decides."""

    def close(self) -> None:
        """Show what is left to show."""


def plain_console(*, stderr: bool) -> Console:
    """Return a console that takes no markup from text; it is plain when piped and honours NO_COLOR."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


class JsonScreen:
    """One event per line on stdout: the stream's own payloads."""

    def __init__(self) -> None:
        self.view = RunView()

    def show(self, frame: Frame) -> None:
        """Print the payload."""
        before, self.view = self.view, reduce(self.view, Arrival(frame.seq, frame.payload))
        if self.view is not before:
            sys.stdout.write(f"{frame.payload}\n")
            sys.stdout.flush()

    def pause(self) -> None:
        """The event had the calls in it."""

    def close(self) -> None:
        """Nothing is left: every line was an event."""


class LineScreen:
    """Plain progress lines on stderr, then the answer on stdout."""

    def __init__(self) -> None:
        self.view = RunView()

    def show(self, frame: Frame) -> None:
        """Print what this event changed."""
        before, self.view = self.view, reduce(self.view, Arrival(frame.seq, frame.payload))
        for line in progress(before, self.view):
            typer.echo(line, err=True)

    def pause(self) -> None:
        """Print the card below the progress."""
        tell_waiting(self.view)

    def close(self) -> None:
        """Print the answer and, if the run failed, why."""
        tell_ending(self.view)


class TreeScreen:
    """A live tree on stderr, then the answer on stdout."""

    def __init__(self) -> None:
        self.view = RunView()
        self._began = time.monotonic()
        self._live = self._started()

    def show(self, frame: Frame) -> None:
        """Take the event in; the tree is drawn anew a few times a second, after a pause below what stands."""
        if not self._live.is_started:
            self._live = self._started()
        self.view = reduce(self.view, Arrival(frame.seq, frame.payload, self._elapsed_ms()))

    def pause(self) -> None:
        """Leave the whole tree standing and print the card below it."""
        self._stop()
        tell_waiting(self.view)

    def close(self) -> None:
        """Leave the whole tree standing and print the answer below it."""
        self._stop()
        tell_ending(self.view)

    def _started(self) -> Live:
        live = Live(
            console=plain_console(stderr=True), get_renderable=self._tree, refresh_per_second=8, transient=False
        )
        live.start()
        return live

    def _stop(self) -> None:
        self._live.vertical_overflow = "visible"
        self._live.stop()

    def _tree(self) -> RenderableType:
        return drawn(self.view, self._elapsed_ms())

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * MS_PER_SECOND)


@contextmanager
def shown(*, as_json: bool) -> Generator[Screen]:
    """Open the screen that fits where the output goes; close it whatever happens."""
    screen = JsonScreen() if as_json else TreeScreen() if plain_console(stderr=True).is_terminal else LineScreen()
    try:
        yield screen
    finally:
        screen.close()


def tell_waiting(view: RunView) -> None:
    """Print the calls that a run waits for."""
    assert view.waiting is not None, "only a run that waits is told of as one"
    for line in card(view.waiting):
        typer.echo(line, err=True)


def tell_ending(view: RunView) -> None:
    """Print the answer, or what there is of one, and the reason when there is none."""
    if view.answer:
        tell(view.answer)
    if view.failure is not None:
        retry = " Trying again may help." if view.failure.retryable else ""
        typer.echo(f"planwright: {printable(view.failure.error)} ({view.failure.code}){retry}", err=True)


def tell(answer: str) -> None:
    """Print an answer on stdout: as rendered markdown on a terminal, as it was written in a pipe.

    Links show their address: what a model wrote is never a link with another text over it.
    """
    console = plain_console(stderr=False)
    if console.is_terminal:
        console.print(Markdown(printable(answer), hyperlinks=False))
    else:
        sys.stdout.write(f"{printable(answer).rstrip()}\n")
