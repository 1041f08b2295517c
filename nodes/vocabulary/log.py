"""Events on their way into the log: `emit`, in the transaction of what it reports."""

from collections.abc import Callable
from dataclasses import dataclass

from nodes.vocabulary.events import Event, encoded
from persistence.runs import events
from persistence.runs.events import KeyedEvent
from persistence.scope import Scope


@dataclass(frozen=True, slots=True)
class EventLog:
    """The log of one run. `told` is called after each commit that appended to it."""

    told: Callable[[], None]

    async def emit(self, scope: Scope, *keyed: tuple[str, Event]) -> None:
        """Append events in the scope's transaction; a key that stands there already is passed over.

        Raises:
            Fenced: another attempt holds the run.
        """
        await events.append(scope, [KeyedEvent(key, event.type, encoded(event)) for key, event in keyed])
        scope.after_commit(self.told)
