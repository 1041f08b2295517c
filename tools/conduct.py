"""How a run's calls are made: as asked, unless the run goes by the record of another, or only tries its writes out."""

from dataclasses import dataclass
from typing import Protocol

from tools.tool import ToolAnswer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to in another run, and how long that took."""

    answer: ToolAnswer
    duration_ms: int


class Outcomes(Protocol):
    """Knows what the same call of another run came to."""

    async def outcome_of(self, key: str) -> Outcome | None:
        """Return what the call at a place of the run came to; None when it is to be made.

        Raises:
            Exception: it should be recorded, and is not; whoever keeps the record says in which words.
        """
        ...


@dataclass(frozen=True, slots=True)
class Conduct:
    """Where outcomes come from, if not from the tools; whether writes are only tried out, and need intents."""

    outcomes: Outcomes | None = None
    dry: bool = False
    needs_intents: bool = True


AS_ASKED = Conduct()
