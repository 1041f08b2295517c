"""What a model is told of a person's decision on its call."""

from dataclasses import replace

from persistence.runs.approvals import Ruling, Verdict
from tools.tool import ToolAnswer, refused

NOT_APPROVED = "not_approved"


def said_no(ruling: Ruling) -> ToolAnswer:
    """Return what comes of a call that a person did not want."""
    text = "The person took this call out" if ruling.verdict == Verdict.DROPPED else "The person said no"
    return refused(f"{text}: {ruling.note}" if ruling.note else f"{text}.", NOT_APPROVED)


def asked_enough(times: int) -> ToolAnswer:
    """Return what comes of a call that a person would have to be asked about once too often."""
    return refused(
        f"Not run: the person was asked {times} times in this run and is not asked again. Say what is not done.",
        NOT_APPROVED,
    )


def left_as_it_is(tool: str, ruling: Ruling) -> ToolAnswer:
    """Return what stays of a call whose outcome is unknown, and which a person did not have run again."""
    text = f"It is not known whether {tool} took effect. The person was asked and does not want it run again."
    return refused(_with_note(text, ruling), "outcome_unknown")


def ran_again(tool: str, answer: ToolAnswer) -> ToolAnswer:
    """Say before an answer why there are two calls for it."""
    return replace(
        answer,
        message=f"It is not known whether the first call of {tool} took effect; a person had it run again."
        f" {answer.message}",
    )


def as_decided(ruling: Ruling | None, answer: ToolAnswer) -> ToolAnswer:
    """Say behind an answer with which arguments the call ran, when a person changed them."""
    if ruling is None or ruling.verdict != Verdict.EDITED:
        return answer
    return replace(
        answer, message=_with_note(f"{answer.message} A person changed the arguments: {ruling.arguments}.", ruling)
    )


def _with_note(text: str, ruling: Ruling) -> str:
    return text if not ruling.note else f"{text} Their note: {ruling.note}"
