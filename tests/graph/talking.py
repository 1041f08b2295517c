"""Asking a real model class something, whole or streamed, over real HTTP."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage

from graph.models import ModelProfile, chat_models, close_chat_models
from tests.scripted_model.replies import Reply
from tests.scripted_model.server import ScriptedModel

KEY: Final = "sk-canary-7f3a"
QUESTION: Final = (HumanMessage("What is overdue?"),)
PATIENCE_SECONDS: Final = 20.0

Ask = Callable[[BaseChatModel, Sequence[BaseMessage]], Awaitable[AIMessage]]


async def whole(model: BaseChatModel, messages: Sequence[BaseMessage]) -> AIMessage:
    """Ask for an answer in one piece."""
    return await model.ainvoke(list(messages))


async def streamed(model: BaseChatModel, messages: Sequence[BaseMessage]) -> AIMessage:
    """Ask for a stream and merge it."""
    merged = AIMessageChunk(content="")
    async for chunk in model.astream(list(messages)):
        assert isinstance(chunk, AIMessageChunk)
        merged += chunk
    return merged


def profile(base_url: str) -> ModelProfile:
    """Return a profile of the provider at this address."""
    return ModelProfile(name="deep", base_url=base_url, api_key=KEY, total_seconds=PATIENCE_SECONDS)


@asynccontextmanager
async def models_of(described: ModelProfile) -> AsyncGenerator[list[BaseChatModel]]:
    """Give the models of a profile, closed afterwards."""
    models = chat_models(described)
    try:
        yield models
    finally:
        await close_chat_models(models)


async def answer_to(reply: Reply, ask: Ask) -> AIMessage:
    """Return what the client makes of one reply."""
    with ScriptedModel([reply]) as server:
        async with models_of(profile(server.base_url)) as models:
            return await ask(models[0], QUESTION)
