"""The chat model that needs no key and no network: rules over the messages and the tools offered.

It is deterministic, keeps nothing between two calls and has no clock but the
one in the system prompt. It says of itself what it is.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import JsonValue
from typing_extensions import override

from graph.offline.reading import Asked, read
from graph.offline.thinking import Reply, reply_to
from persistence.text import storable, storable_json

MODEL_NAME: Final = "planwright-offline"
CHARS_PER_TOKEN: Final = 4  # the usual rule of thumb; nobody pays for these tokens
_WORD: Final = re.compile(r"\s*\S+\s*")


class OfflineModel(BaseChatModel):
    """Planwright's built-in offline model: rules, not a language model."""

    model_name: str = MODEL_NAME
    is_free: ClassVar[bool] = True
    provider: ClassVar[str] = "planwright"

    @property
    @override
    def _llm_type(self) -> str:
        return MODEL_NAME

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, kwargs.get("tools")).whole())])

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, **kwargs)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._answer(messages, kwargs.get("tools")).pieces():
            yield ChatGenerationChunk(message=chunk)

    def reply(self, asked: Asked) -> Reply:
        """Return what it says next; a model that knows more than this one begins here."""
        return reply_to(asked)

    def _answer(self, messages: Sequence[BaseMessage], tools: Sequence[object] | None) -> "Answer":
        """Return the answer to these messages with these tools on offer."""
        shown = [str(message.text) for message in messages]
        seed = hashlib.sha256("\0".join(shown).encode(errors="replace")).hexdigest()[:12]
        return Answer(self.reply(read(messages, names_of(tools or ()))), sum(map(len, shown)), seed)


class Answer:
    """One answer, as a whole message or in pieces that add up to it."""

    def __init__(self, reply: Reply, prompt_chars: int, seed: str) -> None:
        self._text: Final = storable(reply.text)
        self._calls: Final = [
            {"id": f"offline_{seed}_{place}", "name": call.tool, "arguments": _raw(call.arguments)}
            for place, call in enumerate(reply.calls, start=1)
        ]
        written = len(self._text) + sum(len(call["arguments"]) for call in self._calls)
        tokens_in, tokens_out = _tokens(prompt_chars), _tokens(written)
        self._usage: Final = UsageMetadata(
            input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=tokens_in + tokens_out
        )

    def whole(self) -> AIMessage:
        """Return the answer in one piece."""
        return AIMessage(
            content=self._text,
            tool_calls=[
                tool_call(id=call["id"], name=call["name"], args=json.loads(call["arguments"])) for call in self._calls
            ],
            additional_kwargs=self._kept(),
            response_metadata=self._metadata(),
            usage_metadata=self._usage,
        )

    def pieces(self) -> Iterator[AIMessageChunk]:
        """Yield the text word by word, then each call whole, then the end."""
        for word in _WORD.findall(self._text):
            yield AIMessageChunk(content=word)
        for place, call in enumerate(self._calls):
            chunk = tool_call_chunk(id=call["id"], name=call["name"], args=call["arguments"], index=place)
            yield AIMessageChunk(content="", tool_call_chunks=[chunk])
        yield AIMessageChunk(
            content="",
            additional_kwargs=self._kept(),
            response_metadata=self._metadata(),
            usage_metadata=self._usage,
            chunk_position="last",
        )

    def _kept(self) -> dict[str, list[dict[str, str]]]:
        return {"raw_tool_calls": self._calls} if self._calls else {}

    def _metadata(self) -> dict[str, str]:
        return {"finish_reason": "tool_calls" if self._calls else "stop", "model_name": MODEL_NAME}


def names_of(tools: Sequence[object]) -> frozenset[str]:
    """Return the names of tools in the OpenAI function format; what is in another format is not seen."""
    return frozenset(filter(None, map(_name_of, tools)))


def _name_of(tool: object) -> str:
    match tool:
        case {"function": {"name": str() as name}}:
            return name
        case _:
            return ""


def _raw(arguments: dict[str, JsonValue]) -> str:
    return json.dumps(storable_json(arguments), ensure_ascii=False)


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)
