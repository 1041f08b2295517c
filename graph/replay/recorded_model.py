"""The chat model that says what was said before: one answer, word for word, whoever asks."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ClassVar, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
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
    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model: what it says is settled."""
        return self.bind(tools=list(tools), **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = AIMessage(
            content=self.said,
            additional_kwargs=self._kept(),
            response_metadata=self._metadata(),
            usage_metadata=self._usage(),
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

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
        chunk = AIMessageChunk(
            content=self.said,
            additional_kwargs=self._kept(),
            response_metadata=self._metadata(),
            usage_metadata=self._usage(),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=chunk)

    def _kept(self) -> dict[str, object]:
        calls = {"raw_tool_calls": self.calls} if self.calls else {}
        return {**calls, **({} if self.reasoning is None else {"reasoning_content": self.reasoning})}

    def _metadata(self) -> dict[str, str]:
        return {"finish_reason": "tool_calls" if self.calls else "stop", "model_name": MODEL_NAME}

    def _usage(self) -> UsageMetadata:
        return UsageMetadata(
            input_tokens=self.usage.prompt_tokens,
            output_tokens=self.usage.completion_tokens,
            total_tokens=self.usage.total,
            input_token_details=InputTokenDetails(cache_read=self.usage.cached_tokens),
        )
