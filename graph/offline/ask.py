"""What a handler is given: the request in short, and what surrounds it."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from graph.offline.dates import When, find_when, split_when
from graph.offline.reading import Said


@dataclass(frozen=True, slots=True)
class Ask:
    """A request without politeness and full stop, the person's clock, and the place they speak from."""

    request: str
    now: datetime
    zone: ZoneInfo
    context: str = ""
    earlier: tuple[Said, ...] = ()

    @property
    def today(self) -> date:
        """The person's day."""
        return self.now.date()

    def split(self, text: str) -> tuple[str, When | None]:
        """Return a text without the time at its end, and that time."""
        return split_when(text, self.now)

    def when(self) -> When | None:
        """Return what the request says about time."""
        return find_when(self.request, self.now)
