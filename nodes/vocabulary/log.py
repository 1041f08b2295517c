"""Events on their way into the log: `emit`, in the transaction of what it reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

    def emit(self, scope: Scope, *keyed: tuple[str, Event]) -> None:
        """Append events in the scope's transaction; a key that stands there already is passed over."""
        self.append(scope, [KeyedEvent(key, event.type, encoded(event, self.most_bytes)) for key, event in keyed])

    def append(self, scope: Scope, lines: Sequence[KeyedEvent]) -> None:
        """Append events that are text already."""
        appended = events.append(scope, lines)
        scope.after_commit(lambda: self.told(appended.logged))
