"""The chat model that says what was said before: one answer, word for word, whoever asks."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from persistence.runs.usage import Usage

MODEL_NAME: Final = "planwright-recorded"


class RecordedModel(BaseChatModel):
    """Gives one answer. Its tokens are those of the record: they are shown, and nobody pays for them again."""

    model_name: str = MODEL_NAME
    said: str
    calls: list[dict[str, str]]
    reasoning: str | None
    usage: Usage
    is_free: ClassVar[bool] = True

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
        return ChatResult(generations=[ChatGeneration(message=AIMessage(**self._answer()))])

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(**self._answer(), chunk_position="last"))

    def _answer(self) -> dict[str, Any]:
        """Return the fields of the message, whole or as the only chunk."""
        calls = {"raw_tool_calls": self.calls} if self.calls else {}
        reasoning = {} if self.reasoning is None else {"reasoning_content": self.reasoning}
        return {
            "content": self.said,
            "additional_kwargs": {**calls, **reasoning},
            "response_metadata": {"finish_reason": "tool_calls" if self.calls else "stop", "model_name": MODEL_NAME},
            "usage_metadata": self._usage(),
        }

    def _usage(self) -> UsageMetadata:
        return UsageMetadata(
            input_tokens=self.usage.prompt_tokens,
            output_tokens=self.usage.completion_tokens,
            total_tokens=self.usage.total,
            input_token_details=InputTokenDetails(cache_read=self.usage.cached_tokens),
        )
