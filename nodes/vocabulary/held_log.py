"""Events of a step whose plan is still being written."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from nodes.vocabulary.log import EventLog
from persistence.runs import held_events
from persistence.runs.events import KeyedEvent
from persistence.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLog(EventLog):
    """The log of one step: holds what is emitted until the run's plan is announced, and appends it from then on."""

    run_id: UUID
    step_number: int

    def append(self, scope: Scope, lines: Sequence[KeyedEvent], call_id: UUID | None = None) -> None:
        """Hold or append the events."""
        appended = held_events.hold_or_append(scope, self.run_id, self.step_number, lines, call_id)
        scope.after_commit(lambda: self.told(appended.logged))
