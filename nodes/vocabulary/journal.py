"""Tool calls as events, written in the transaction of their ledger rows."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from nodes.vocabulary.counters import Counters, Uncounted
from nodes.vocabulary.events import Event, FunctionCall, ToolCallBody, ToolCalled, ToolResultBody, ToolReturned
from nodes.vocabulary.log import EventLog
from persistence.runs.ledger import CallState
from persistence.scope import Scope
from tools.gateway import Asked, Holder
from tools.outcomes import state_of
from tools.tool import ToolAnswer


@dataclass(frozen=True, slots=True)
class ToolEvents:
    """Tells the log of each call that the gateway takes and ends; those that end are counted too."""

    log: EventLog
    counters: Counters = field(default_factory=Uncounted)

    def called(self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked) -> None:
        """Announce a call, if it stands in the ledger and was not announced before."""
        self.log.emit(scope, _called(holder, call_id, asked), call_id=call_id)

    def returned(self, scope: Scope, holder: Holder, call_id: UUID, answer: ToolAnswer, duration_ms: int) -> None:
        """Announce what a call came to, if it stands in the ledger."""
        self.log.emit(scope, _returned(holder, call_id, answer, duration_ms), call_id=call_id)
        self._count(scope, answer)

    def called_and_returned(
        self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked, answer: ToolAnswer, duration_ms: int
    ) -> None:
        """Announce a call together with what it came to, if it stands in the ledger."""
        events = _called(holder, call_id, asked), _returned(holder, call_id, answer, duration_ms)
        self.log.emit(scope, *events, call_id=call_id)
        self._count(scope, answer)

    def _count(self, scope: Scope, answer: ToolAnswer) -> None:
        state = state_of(answer)
        denial = answer.code if state is CallState.DENIED else None
        scope.after_commit(partial(self.counters.tool_answered, state, denial or ""))


def _called(holder: Holder, call_id: UUID, asked: Asked) -> tuple[str, Event]:
    body = ToolCallBody(id=call_id, function=FunctionCall(name=asked.tool, arguments=asked.arguments))
    event = ToolCalled(tool_call=body, executor_id=_executor(holder), step_number=holder.step_number)
    return f"tool_call:{call_id}", event


def _returned(holder: Holder, call_id: UUID, answer: ToolAnswer, duration_ms: int) -> tuple[str, Event]:
    body = ToolResultBody(
        tool_call_id=call_id,
        success=answer.success,
        result=answer.as_json() if answer.success else None,
        error=None if answer.success else answer.message,
        duration_ms=duration_ms,
    )
    event = ToolReturned(tool_result=body, executor_id=_executor(holder), step_number=holder.step_number)
    return f"tool_result:{call_id}", event


def _executor(holder: Holder) -> UUID | None:
    return holder.agent_id if holder.is_executor else None
