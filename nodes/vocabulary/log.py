"""Events on their way into the log: `emit`, in the transaction of what it reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from nodes.vocabulary.events import Event, encoded
from persistence.runs import events
from persistence.runs.events import KeyedEvent, LoggedEvent
from persistence.scope import Scope

Told = Callable[[Sequence[LoggedEvent]], None]


@dataclass(frozen=True, slots=True)
class EventLog:
    """The log of one run. `told` is called with what was appended, after its commit."""

    told: Told

    async def emit(self, scope: Scope, *keyed: tuple[str, Event]) -> None:
        """Append events in the scope's transaction; a key that stands there already is passed over.

        Raises:
            Fenced: another attempt holds the run.
        """
        logged = await events.append(scope, [KeyedEvent(key, event.type, encoded(event)) for key, event in keyed])
        scope.after_commit(partial(self.told, logged))
