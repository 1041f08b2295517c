"""Events that were committed in this process a moment ago, for the readers of their runs that listen here.

They spare a look into the log, which stays the truth: what is not here, or not
without a gap, is looked up there.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from persistence.runs.events import LoggedEvent

KEPT_EVENTS: Final = 64  # of each run; a reader who is further behind looks into the log


class FreshEvents:
    """The newest events of runs, by their number."""

    def __init__(self) -> None:
        self._of: Final[dict[UUID, dict[int, LoggedEvent]]] = {}

    def add(self, run_id: UUID, events: Sequence[LoggedEvent]) -> None:
        """Keep events that were committed; of a run that somebody listens to."""
        kept = self._of.setdefault(run_id, {})
        kept.update((event.seq, event) for event in events)
        while len(kept) > KEPT_EVENTS:
            del kept[min(kept)]

    def behind(self, run_id: UUID, after: int) -> list[LoggedEvent]:
        """Return the events that follow `after` without a gap, as far as they are here."""
        kept, found = self._of.get(run_id, {}), list[LoggedEvent]()
        while (event := kept.get(after + len(found) + 1)) is not None:
            found.append(event)
        return found

    def forget(self, run_id: UUID) -> None:
        """Let go of a run that nobody listens to any more."""
        self._of.pop(run_id, None)

    def __len__(self) -> int:
        return len(self._of)
