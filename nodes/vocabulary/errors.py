"""What can end a turn early, one class a fact. `code` is part of the wire format."""


class TurnError(Exception):
    """Root of the room's errors: a foreseen end of a turn, told to the client."""

    code = "internal"
    retryable = False


class TurnTimedOut(TurnError):
    """The turn took longer than its wall limit."""

    code = "turn_timed_out"
    retryable = True

    def __init__(self) -> None:
        super().__init__("The request took too long and was stopped. What was changed until then stays changed.")


class CallsSpent(TurnError):
    """The turn may make no more model calls: it made all that one may."""

    code = "budget_exhausted"

    def __init__(self, most: int) -> None:
        super().__init__(self._said(most))

    def _said(self, most: int) -> str:
        return f"The request needed more than {most} model calls and was stopped."


class TokensSpent(CallsSpent):
    """The turn may make no more model calls: the person's last minute has no room for their tokens."""

    retryable = True

    def _said(self, most: int) -> str:
        return f"The {most:,} tokens that a minute may cost are spent. Ask again in a minute."


class RecordIncomplete(TurnError):
    """What is recorded of a run does not say all that it takes to go by it."""

    code = "record_incomplete"

    def __init__(self) -> None:
        super().__init__("The record of the run is not whole, so it cannot be replayed.")


class PlanInvalid(TurnError):
    """A draft of a plan broke rules; `codes` names them, `problems` tells the model."""

    code = "plan_invalid"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("The plan broke a rule.")
        self.codes = [code for code, _ in problems]
        self.problems = [text for _, text in problems]


class ModelGaveNothing(TurnError):
    """The model's answers were empty, cut off or refused, and no fallback helped."""

    code = "model_gave_nothing"
    retryable = True

    def __init__(self) -> None:
        super().__init__("The model gave no usable answer. Try again, or ask in other words.")


class ContentFiltered(TurnError):
    """The provider's filter stopped the answer."""

    code = "content_filtered"

    def __init__(self) -> None:
        super().__init__("The model provider's content filter stopped the answer.")
