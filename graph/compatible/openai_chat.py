"""A chat model of any OpenAI-compatible provider. Importing this file costs about a second.

`langchain_openai.ChatOpenAI` gives the tool schemas, the conversion of messages
and the parameters of a call. Its way to the provider and back is replaced:
`graph.compatible.model_connection` and `graph.compatible.incoming_answer` say why.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final, NoReturn, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from pydantic import Field, JsonValue
from typing_extensions import override

from graph.compatible.incoming_answer import IncomingAnswer
from graph.compatible.model_connection import ModelConnection
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.tracing import is_heard

NEW_BOUND: Final = "max_completion_tokens"


class CompatibleChat(ChatOpenAI):
    """One model behind one connection. Asynchronous only.

    Every call raises `ModelFailure` and no exception of an HTTP client.
    """

    connection: ModelConnection = Field(exclude=True, repr=False)

    @property
    def provider(self) -> str:
        """Return the host that is asked, and nothing else of its address."""
        return self.connection.host

    @override
    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Return the answer, past the library's callbacks when nobody listens: they take most of a call."""
        if is_heard(config):
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        return await self._answered(self._convert_input(input), {**kwargs, "stop": stop})

    @override
    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[AIMessageChunk]:
        """Yield the answer as it comes, past the library's callbacks when nobody listens."""
        if is_heard(config):
            chunks = cast("AsyncGenerator[AIMessageChunk]", super().astream(input, config, stop=stop, **kwargs))
        else:
            chunks = self._streamed(self._convert_input(input), {**kwargs, "stop": stop})
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=await self._answered(messages, {**kwargs, "stop": stop}))]
        )

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        chunks = self._streamed(messages, {**kwargs, "stop": stop})
        async with aclosing(chunks):
            async for chunk in chunks:
                yield ChatGenerationChunk(message=chunk)

    async def _answered(self, asked: LanguageModelInput, parameters: dict[str, Any]) -> AIMessage:
        answer = IncomingAnswer(self.model_name)
        answer.add(await self.connection.whole(self._body(asked, {**parameters, "stream": False})))
        return answer.whole()

    async def _streamed(self, asked: LanguageModelInput, parameters: dict[str, Any]) -> AsyncGenerator[AIMessageChunk]:
        """Yield what each read brought as one chunk, and a last chunk with the end of the answer.

        A connection that breaks after the model has said why it stopped took nothing
        away but the usage, so the answer stands.
        """
        answer = IncomingAnswer(self.model_name)
        body = self._body(asked, {**parameters, "stream": True, "stream_options": {"include_usage": True}})
        try:
            async with aclosing(self.connection.stream(body)) as reads:
                async for events in reads:
                    try:
                        for event in events:
                            answer.add(event)
                    finally:  # what was said before a failure in the same read was said
                        if (chunk := answer.take()) is not None:
                            yield chunk
        except ModelFailure:
            if not answer.is_finished:
                raise
        yield answer.last()

    def _body(self, asked: LanguageModelInput, parameters: dict[str, Any]) -> dict[str, JsonValue]:
        """Return the JSON of the request; `extra_body` belongs beside the standard fields.

        OpenAI's newer models refuse the old name of an answer's bound, nobody else knows the new one.
        """
        payload: dict[str, JsonValue] = self._get_request_payload(asked, **parameters)
        if NEW_BOUND in payload and not self.connection.is_openai:
            payload["max_tokens"] = payload.pop(NEW_BOUND)
        extra = payload.pop("extra_body", None)
        return {**payload, **extra} if isinstance(extra, dict) else payload

    @override
    def _get_request_payload(
        self, input_: LanguageModelInput, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Add the thinking that belongs to tool calls: without it DeepSeek answers 400.

        It is asked for on every assistant message that called tools, in this and all
        later requests, also when the thinking was empty; on others it is ignored.
        """
        prompt = self._convert_input(input_)
        return _with_thinking(
            prompt.to_messages(),
            # The library declares a bare `dict`.
            super()._get_request_payload(prompt, stop=stop, **kwargs),  # pyright: ignore[reportUnknownArgumentType]
        )

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> NoReturn:
        raise NotImplementedError("This model is asynchronous: use ainvoke or astream.")

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        raise NotImplementedError("This model is asynchronous: use ainvoke or astream.")


def _with_thinking(messages: list[BaseMessage], payload: dict[str, Any]) -> dict[str, Any]:
    sent: list[dict[str, Any]] = payload["messages"]
    for message, fields in zip(messages, sent, strict=True):
        thinking = message.additional_kwargs.get("reasoning_content")
        if "tool_calls" in fields and isinstance(thinking, str):
            fields["reasoning_content"] = thinking
    return payload
