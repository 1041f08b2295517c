"""Which calls need a person's word before they run. Decided by rules over what the person said.

In `ask`, every write does. In `auto`, every write that the person did not ask for:
`tools/intents.py` holds a call against what was taken from their words. What
deletes or archives has to be ordered by name, in the message itself, which is one
short paragraph where nothing doubts or depends, and a sentence (or a part behind a
comma, “and”, “then”) is the order itself: a courtesy, a verb, the target's own
name, no more.

    Please delete the event “Design review”.        runs
    Delete Design review, then book a room.         runs
    Tidy up my calendar.                            asks: it names nothing
    Don't delete Design review.                     asks: it denies
    Delete Design review if Eva cannot come.        asks: it depends
    The mail says: delete Design review.            asks: somebody else's words
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from tools.describing.calls import described
from tools.describing.subjects import subject_of
from tools.intents import Intents, covers
from tools.tool import Access, AnyTool, Args, Caller, Harm

ORDER_MAX_CHARS: Final = 300  # an order is a sentence or two; what is longer holds other people's words

_VERBS: Final[Mapping[Harm, str]] = MappingProxyType(
    {Harm.DELETES: r"delete|remove|cancel|erase|drop|scrap|get rid of|call off", Harm.ARCHIVES: r"archive"}
)
_COURTESY: Final = (
    r"(?:(?:please|just|now|also|ok|okay|kindly|yes)\s+|(?:can|could|would|will) you\s+"
    r"|i(?: want|'d like| would like| need) (?:you )?to\s+|let's\s+|go ahead and\s+)*"
)
_BEFORE_NAME: Final = (
    r"(?:the|my|our|this|that|calendar|one-off|whole|entire|event|meeting|appointment|entry|project|called|named)"
)
_BEHIND_NAME: Final = (
    r"(?:\s+(?:calendar\s+)?(?:event|meeting|appointment|entry|project))?(?:\s+from (?:my|the) calendar)?"
    r"(?:\s+(?:please|now|for me))*\s*(?:$|[.,;!?]|\band\b|\bthen\b)"
)
_DOUBT: Final = re.compile(
    r"\b(?:not|no|never|don't|\w+n't|if|unless|until|when|whenever|once|after|before|while|whether|should|maybe|perhaps"
    r"|except|instead|without|keep|wait|but|or|says?|said|wrote|told|reads?)\b|:"
)
_NAME: Final = "❝"  # stands for the target's name, whose own words say nothing about what is wanted


class Mode(StrEnum):
    """Which writes of a session wait for a person."""

    AUTO = "auto"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person has agreed to: the session's mode, and the message of this run."""

    mode: Mode
    request: str

    def rests_on_intents(self, tool: AnyTool, args: Args) -> bool:
        """Say whether the run's write intents decide on a call."""
        return tool.access is Access.WRITE and self.mode is Mode.AUTO and tool.harm(args) is None

    async def is_missing(self, tool: AnyTool, args: Args, caller: Caller, intents: Intents) -> bool:
        """Say whether a call has to wait for a person's word."""
        if tool.access is Access.READ:
            return False
        if self.mode is Mode.ASK:
            return True
        harm: Harm | None = tool.harm(args)
        if harm is None:
            return not covers(intents, tool, args, await subject_of(args, caller), caller)
        name = (await described(tool, args, caller)).name
        return name is None or not is_ordered(self.request, harm, name)


def is_ordered(message: str, harm: Harm, name: str) -> bool:
    """Say whether a message orders just this: to delete, or to archive, what bears this name."""
    if len(message) > ORDER_MAX_CHARS or "\n" in message.strip():
        return False
    text = _with_name_marked(_plain(message), _plain(name))
    if text.count(_NAME) != 1 or _DOUBT.search(text):
        return False
    what = rf"(?:{_VERBS[harm]})\s+(?:{_BEFORE_NAME}\s+)*{_NAME}"
    return re.search(rf"(?:^|[.!?,;]\s*|\b(?:and|then)\s+){_COURTESY}{what}{_BEHIND_NAME}", text) is not None


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").casefold().split())


def _with_name_marked(text: str, name: str) -> str:
    """Put one sign in place of the name, with the quotes around it; a part of a longer word is no name."""
    return re.sub(rf"[“„«\"'‘`]?(?<!\w){re.escape(name)}(?!\w)[”“»\"'’`]?", _NAME, text)
