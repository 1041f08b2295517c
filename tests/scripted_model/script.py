"""Scripts: who gets which reply.

A script is a function from a request to a reply. `in_order` reads replies from a
list; `rules` picks by what a request offers and says, so that executors that
run side by side each get their own, in whatever order they ask.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from tests.scripted_model.replies import Reply
from tests.scripted_model.requests import ChatRequest

Script = Callable[[ChatRequest], Reply]


class ScriptExhausted(AssertionError):
    """A request came that the script has no reply for."""

    def __init__(self, request: ChatRequest) -> None:
        super().__init__(
            f"The script has no reply for a request to {request.model!r} that offers {request.offered}"
            f" and ends with {request.last_role!r}: {request.last_text[:200]!r}"
        )


class Replies:
    """Replies given one after the other, from any thread; the last may stay for ever."""

    def __init__(self, replies: Sequence[Reply], *, last_stays: bool = False) -> None:
        self._replies = list(replies)
        self._last_stays = last_stays
        self._given = 0
        self._lock = Lock()

    def next(self) -> Reply | None:
        """Return the next reply, None when there is none left."""
        with self._lock:
            position, self._given = self._given, self._given + 1
        if self._last_stays:
            position = min(position, len(self._replies) - 1)
        return self._replies[position] if position < len(self._replies) else None


@dataclass(frozen=True)
class Rule:
    """Replies for the requests that match everything given."""

    replies: Replies
    offers: str | None = None
    lacks: str | None = None
    last_role: str | None = None
    says: str | None = None
    mentions: str | None = None
    model: str | None = None

    def matches(self, request: ChatRequest) -> bool:
        """Say whether the rule is meant for this request."""
        return all(
            (
                self.offers is None or self.offers in request.offered,
                self.lacks is None or self.lacks not in request.offered,
                self.last_role is None or self.last_role == request.last_role,
                self.says is None or self.says in request.last_text,
                self.mentions is None or self.mentions in request.all_text,
                self.model is None or self.model == request.model,
            )
        )


def when(
    *replies: Reply,
    offers: str | None = None,
    lacks: str | None = None,
    last_role: str | None = None,
    says: str | None = None,
    mentions: str | None = None,
    model: str | None = None,
    last_stays: bool = True,
) -> Rule:
    """Give these replies, one after the other, to requests that match.

    Args:
        replies: what is said to the first, second, … matching request.
        offers: a tool that is offered.
        lacks: a tool that is not offered.
        last_role: who spoke last: system, user, assistant or tool.
        says: a part of the last message.
        mentions: a part of any message.
        model: the model that is asked for.
        last_stays: repeat the last reply; otherwise the next rule is tried.
    """
    return Rule(Replies(replies, last_stays=last_stays), offers, lacks, last_role, says, mentions, model)


def rules(*ordered: Rule) -> Script:
    """Answer by the first rule that matches and still has a reply.

    Raises:
        ScriptExhausted: from the script, when no rule is left for a request.
    """

    def answer(request: ChatRequest) -> Reply:
        matching = (rule.replies.next() for rule in ordered if rule.matches(request))
        reply = next((reply for reply in matching if reply is not None), None)
        if reply is None:
            raise ScriptExhausted(request)
        return reply

    return answer


def in_order(replies: Iterable[Reply]) -> Script:
    """Answer with these replies, one a request, whoever asks.

    Raises:
        ScriptExhausted: from the script, when they are used up.
    """
    return rules(Rule(Replies(list(replies))))
