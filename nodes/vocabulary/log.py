"""Events on their way into the log: `emit`, in the transaction of what it reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from nodes.vocabulary.events import EVENT_MAX_BYTES, Event, encoded
from persistence.runs import events
from persistence.runs.events import KeyedEvent, LoggedEvent
from persistence.scope import Scope

Told = Callable[[Sequence[LoggedEvent]], None]


@dataclass(frozen=True, slots=True)
class EventLog:
    """The log of one run. `told` is called with what was appended, after its commit; no event is longer than that."""

    told: Told
    most_bytes: int = EVENT_MAX_BYTES

    def emit(self, scope: Scope, *keyed: tuple[str, Event], call_id: UUID | None = None) -> None:
        """Append events in the scope's transaction; a key that stands there already is passed over.

        Those of a call are, too, when the ledger does not have that: its run is to be stopped.
        """
        lines = [KeyedEvent(key, event.type, encoded(event, self.most_bytes)) for key, event in keyed]
        self.append(scope, lines, call_id)

    def append(self, scope: Scope, lines: Sequence[KeyedEvent], call_id: UUID | None = None) -> None:
        """Append events that are text already."""
        appended = events.append(scope, lines, call_id)
        scope.after_commit(lambda: self.told(appended.logged))
