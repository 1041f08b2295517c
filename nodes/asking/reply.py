"""What a model said, read strictly: text, and tool calls by their raw argument text."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from langchain_core.messages import AIMessage
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from persistence.runs.usage import Usage
from persistence.text import says_nothing, shortened, storable
from persistence.visible import visible

MAX_CALLS_IN_ONE_REPLY: Final = 64  # that are kept; how many of them run is for `nodes/planning/calling.py` to say
MAX_TOKENS_BELIEVED: Final = 10_000_000  # a provider that claims more counts wrongly
MAX_NAME_CHARS: Final = 100
MAX_THOUGHT_CHARS: Final = 400_000  # some 100,000 tokens; who thinks longer has lost the thread
CUT_REASONS: Final = frozenset({"length", "max_tokens", "model_length", "insufficient_system_resource"})
FILTER_REASONS: Final = frozenset({"content_filter", "safety", "refusal"})


class _RawCall(TypedDict, total=False):
    id: str | None
    name: str | None
    arguments: str | None


_RAW_CALLS: Final[TypeAdapter[list[_RawCall]]] = TypeAdapter(list[_RawCall])


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A tool call as a model asked for it. The id is unique in its reply."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a model.

    `usage` is None when the provider gave none, or one that cannot be; `ask`
    puts our own count in its place. `cut` says that the answer ended in the
    middle, `filtered` that the provider or the model itself would not give it;
    its tool calls are dropped then, because a call that was cut off can parse as
    a different, valid one.
    """

    text: str
    calls: tuple[WantedCall, ...]
    reasoning: str | None
    model: str
    usage: Usage | None
    cut: bool
    filtered: bool

    @property
    def written(self) -> str:
        """Return every word of it, those of calls and thoughts too: what is paid for."""
        calls = (part for call in self.calls for part in (call.name, call.arguments))
        return "".join((self.text, *calls, self.reasoning or ""))

    @property
    def says_nothing(self) -> bool:
        """Say whether there is neither text nor a call to act on."""
        return says_nothing(self.text) and not self.calls


def read_reply(message: AIMessage, model: str) -> Reply:
    """Return what a whole or fully merged message says."""
    finish = str(message.response_metadata.get("finish_reason") or "").casefold()
    cut = finish in CUT_REASONS
    filtered = finish in FILTER_REASONS or bool(message.additional_kwargs.get("refusal"))
    thought = message.additional_kwargs.get("reasoning_content")
    return Reply(
        text=visible(storable(message.text)),
        calls=() if cut or filtered else _calls(message),
        reasoning=storable(thought[:MAX_THOUGHT_CHARS]) if isinstance(thought, str) and thought else None,
        model=shortened(storable(str(message.response_metadata.get("model_name") or model)), MAX_NAME_CHARS),
        usage=_usage(message),
        cut=cut,
        filtered=filtered,
    )


def within(reply: Reply, most_chars: int) -> Reply:
    """Return an answer that is longer than it may be as one that ended in the middle."""
    if len(reply.text) + sum(len(call.arguments) for call in reply.calls) <= most_chars:
        return reply
    return replace(reply, text=reply.text[:most_chars], calls=(), cut=True)


def _calls(message: AIMessage) -> tuple[WantedCall, ...]:
    """Return the calls in order, each with an id of its own whatever the model sent."""
    return tuple(
        WantedCall(f"call_{uuid4().hex}", shortened(storable(name), MAX_NAME_CHARS), storable(arguments))
        for name, arguments in _raw(message)[:MAX_CALLS_IN_ONE_REPLY]
    )


def _raw(message: AIMessage) -> list[tuple[str, str]]:
    """Return name and argument text of each call, as the model wrote them; a library's reading of them never counts."""
    raw = _RAW_CALLS.validate_python(message.additional_kwargs.get("raw_tool_calls") or [])
    return [(call.get("name") or "", call.get("arguments") or "") for call in raw]


def _usage(message: AIMessage) -> Usage | None:
    told = message.usage_metadata
    if told is None:
        return None
    counts = (told["input_tokens"], told["output_tokens"])
    if not all(0 <= count <= MAX_TOKENS_BELIEVED for count in counts) or not any(counts):
        return None
    cached = (told.get("input_token_details") or {}).get("cache_read") or 0
    return Usage(*counts, cached_tokens=min(max(cached, 0), counts[0]))
