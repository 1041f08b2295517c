"""The engine of turns, from what the operator chose. Importing it imports LangGraph."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from pydantic import JsonValue

from graph.ending import end_cancelled, end_failed
from graph.models import ModelProfile, chat_models, close_chat_models
from graph.offline.model import OfflineModel
from graph.turn import APPROVAL_HOURS, Engine, run_turn
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from server.counted import Counted
from server.settings import ModelChoice, SettingsInvalid, ToolChoice, variable
from server.worker import Turns
from tools.registry import Registry

THINKING_OFF: Final[Mapping[str, JsonValue]] = MappingProxyType({"thinking": {"type": "disabled"}})
DEEPSEEK_HOST: Final = "api.deepseek.com"

Models = tuple[BaseChatModel, ...]


@asynccontextmanager
async def engine_of(
    database: Database,
    models: ModelChoice | None,
    tools: ToolChoice | None,
    limits: Limits,
    approval_hours: float = APPROVAL_HOURS,
    link_hosts: Iterable[str] = (),
    spoken_by: BaseChatModel | None = None,
) -> AsyncGenerator[Engine]:
    """Give the engine over these models, the built-in tools and those that were chosen; close its connections after.

    `spoken_by` is asked in place of all of them: a model that the program itself brings, and closes.

    Raises:
        ModelProfileInvalid: a model could not be reached as it is configured.
        ToolsRefused: `tools` cannot be had, or all of them together are not those that were pinned.
        SettingsInvalid: no message could ever be answered within the tokens of a minute.
    """
    chosen = tools or ToolChoice()
    registry = Registry.build(chosen.extension, chosen.digest, chosen.searxng_url)
    planner, executor = _chosen(models, spoken_by)
    engine = Engine(database, registry, planner, executor, limits, approval_hours, frozenset(link_hosts), Counted())
    try:
        _check_budget(engine)
        yield engine
    finally:
        if spoken_by is None:
            await close_chat_models([*planner, *executor])


def _check_budget(engine: Engine) -> None:
    least = engine.least_tokens("")
    if least > engine.limits.tokens_per_minute:
        raise SettingsInvalid(f"{variable('limit_tokens_per_minute')}: the first model call of a run needs {least:,}.")


def turns_of(engine: Engine) -> Turns:
    """Return what a worker does with a run that it holds."""
    return Turns(
        partial(run_turn, engine), partial(end_cancelled, engine.database), partial(end_failed, engine.database)
    )


def _chosen(models: ModelChoice | None, spoken_by: BaseChatModel | None) -> tuple[Models, Models]:
    """Return the planner's and the executors' models; without any, the offline one speaks for both."""
    if spoken_by is None and models is not None:
        return configured(models)
    model = spoken_by or OfflineModel()
    return (model,), (model,)


def configured(choice: ModelChoice) -> tuple[Models, Models]:
    """Return the planner's and the executors' models, preferred ones first.

    An executor thinks by doing: at DeepSeek, where thinking is a switch, it is off for them.
    """
    at_deepseek = urlsplit(choice.base_url).hostname == DEEPSEEK_HOST
    planner = _profile(choice, choice.planner, MappingProxyType({}))
    executor = _profile(choice, choice.executor, THINKING_OFF if at_deepseek else MappingProxyType({}))
    return tuple(chat_models(planner)), tuple(chat_models(executor))


def _profile(choice: ModelChoice, names: tuple[str, ...], extra_body: Mapping[str, JsonValue]) -> ModelProfile:
    return ModelProfile(
        name=names[0],
        base_url=choice.base_url,
        api_key=choice.api_key.get_secret_value(),
        fallbacks=names[1:],
        extra_body=extra_body,
    )
