"""What a node may use: the capabilities of one attempt of one run."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from langchain_core.language_models import BaseChatModel

from nodes.vocabulary.counters import Counters, Uncounted
from nodes.vocabulary.early_tasks import EarlyTasks
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.log import EventLog
from nodes.vocabulary.memory import Memory
from nodes.vocabulary.stand_in import StandIn
from persistence.attempts import Attempt
from persistence.record.messages import Message
from persistence.runs.runs import WantedRoute
from persistence.scope import Identity, Role, Scope
from tools.gateway import Gateway
from tools.registry import Registry


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every node by the graph's runtime; of the turn itself it holds the early steps and the memory.

    `planner` and `executor` are chat models, the preferred one first and its
    fallbacks behind it. `now` is fixed for the whole run. `route` is how the
    person wants the request handled. An answer may link to `link_hosts`, and to
    nothing else. `said_before` are the newest messages before the request: of the
    run itself, unless it goes by the record of another. Then it has its answers
    from `stand_in`, as far as that goes.
    """

    attempt: Attempt
    run_id: UUID
    session_id: UUID
    context_type: str
    entity_id: UUID | None
    said_before: Sequence[Message]
    request: str
    quoted_history: str | None
    time_zone: ZoneInfo
    now: datetime
    registry: Registry
    gateway: Gateway
    planner: tuple[BaseChatModel, ...]
    executor: tuple[BaseChatModel, ...]
    limits: Limits
    log: EventLog
    early: EarlyTasks
    route: WantedRoute = WantedRoute.AUTO
    link_hosts: frozenset[str] = frozenset()
    stand_in: StandIn | None = None
    counters: Counters = field(default_factory=Uncounted)
    memory: Memory = field(default_factory=Memory)

    def writing(self) -> AbstractAsyncContextManager[Scope]:
        """Open a transaction of this run's worker; it passes the fence first."""
        return self.attempt.writing()

    def reading(self) -> AbstractAsyncContextManager[Scope]:
        """Open a transaction as the SELECT-only role."""
        return self.attempt.database.acting(Role.EXECUTOR, Identity(self.attempt.identity.user_id))
