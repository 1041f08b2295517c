"""What an attempt knows without a look: it wrote or read it itself, and nobody else writes to it meanwhile."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from nodes.vocabulary.events import Step
from persistence.record.conversations import Row
from persistence.record.plans import PlanRow


@dataclass(slots=True)
class Memory:
    """Of one attempt.

    `is_whole` when there was no attempt before: what is not here was never written then.
    `said` are conversations by id, `answer` is what was streamed, `streamed` are its parts by their
    keys. `is_drafted` when steps of a plan were stored while it was being written, `plan` is
    one that was stored at once and that nobody has begun to run, `steps` are those of the plan as they
    stand when it has run. `tokens` is what each agent's model calls cost that are settled.
    """

    is_whole: bool = False
    said: dict[UUID, list[Row]] = field(default_factory=dict[UUID, list[Row]])
    answer: str = ""
    streamed: set[str] = field(default_factory=set[str])
    is_drafted: bool = False
    plan: PlanRow | None = None
    steps: Sequence[Step] | None = None
    tokens: Counter[UUID] = field(default_factory=Counter[UUID])

    def keep_text(self, part: str, text: str) -> None:
        """Keep what was streamed of a part."""
        self.answer += text
        self.streamed.add(part)

    def take_plan(self) -> PlanRow | None:
        """Return the plan that nobody has begun to run, once."""
        plan, self.plan = self.plan, None
        return plan
