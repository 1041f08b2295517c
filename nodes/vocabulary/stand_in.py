"""Who answers in place of the models, in a run that goes by the record of another."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from langchain_core.language_models import BaseChatModel


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer is going to stand: in which conversation, as its how many-th message."""

    conversation_id: UUID
    position: int


class StandIn(Protocol):
    """Knows what was answered at the same place of another run."""

    async def model_for(self, purpose: str, place: Place | None) -> BaseChatModel | None:
        """Return who answers there; None when a model is to be asked. Without a place, the purpose tells it.

        Raises:
            RecordIncomplete: it should be recorded, and is not.
        """
        ...
