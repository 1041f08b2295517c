"""A run shown while it runs, in the same place below the cell; outside a notebook it is only followed."""

from collections.abc import AsyncIterable
from time import monotonic
from typing import Final, Protocol

from graph.debug import Drawing, Screen, drawn_view, notebook_screen
from nodes.vocabulary.view import Arrival, RunView, reduce
from server.terminal.tree import called, tool_ending
from server.terminal.wording import SEPARATOR, headline

EVERY_SECONDS: Final = 0.1  # a faster answer is not drawn for each of its words
MS_PER_SECOND: Final = 1000


class Told(Protocol):
    """An event of a run's log, whoever brings it: its number and its JSON text."""

    @property
    def seq(self) -> int:
        """Its number."""
        ...

    @property
    def payload(self) -> str:
        """Its JSON text."""
        ...


async def watched(events: AsyncIterable[Told]) -> RunView:
    """Show a run until its events end, and return what it looks like then."""
    live = Live()
    async for told in events:
        live.take(told)
    live.show()
    return live.view


class Live:
    """The view of a run that is followed, and where it is shown."""

    def __init__(self) -> None:
        self.view: RunView = RunView()
        self._began: Final = monotonic()
        self._show: Final = notebook_screen()
        self._screen: Screen | None = None
        self._shown_at = 0.0

    def take(self, told: Told) -> None:
        """Take one more event in, and show it unless something was shown just now."""
        self.view = reduce(self.view, Arrival(told.seq, told.payload, self._elapsed_ms))
        if monotonic() - self._shown_at >= EVERY_SECONDS:
            self.show()

    def show(self) -> None:
        """Show how the run stands, where there is a notebook."""
        self._shown_at = monotonic()
        if self._screen is not None:
            self._screen.update(self.drawn())
        elif self._show is not None:
            self._screen = self._show(self.drawn())

    def drawn(self) -> Drawing:
        """Return the picture of how it stands."""
        lines = [SEPARATOR.join([called(tool), tool_ending(tool)]) for tool in self.view.tools]
        return drawn_view(headline(self.view, self._elapsed_ms), self.view, lines)

    @property
    def _elapsed_ms(self) -> int:
        return round((monotonic() - self._began) * MS_PER_SECOND)
