"""The engine, from what the operator chose."""

import pytest
from pydantic import SecretStr

from graph.models import ModelProfileInvalid
from graph.offline.model import OfflineModel
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from server.engine import engine_of
from server.settings import ModelChoice, ToolChoice
from tools.errors import BadExtension

LIMITS = Limits(model_calls=3)


async def test_without_models_the_offline_one_answers(database: Database) -> None:
    """With nothing configured both kinds of agent have the built-in model, and all 21 tools are there."""
    async with engine_of(database, None, None, LIMITS) as engine:
        assert [type(model) for model in (*engine.planner, *engine.executor)] == [OfflineModel, OfflineModel]
        assert (len(engine.registry.names()), len(engine.registry.reading())) == (21, 12)
        assert engine.limits is LIMITS


async def test_each_kind_of_agent_has_its_models_in_order(database: Database) -> None:
    """The preferred model comes first, its fallbacks behind it."""
    choice = ModelChoice("http://localhost:9/v1", SecretStr("k"), ("big", "bigger"), ("small",))
    async with engine_of(database, choice, None, LIMITS) as engine:
        assert [getattr(model, "model_name", None) for model in engine.planner] == ["big", "bigger"]
        assert [getattr(model, "model_name", None) for model in engine.executor] == ["small"]
        assert [getattr(model, "extra_body", "") for model in engine.executor] == [None]


async def test_executors_at_deepseek_do_not_think(database: Database) -> None:
    """At DeepSeek thinking is switched off for executors, and left to the planner."""
    choice = ModelChoice("https://api.deepseek.com", SecretStr("k"), ("pro",), ("flash",))
    async with engine_of(database, choice, None, LIMITS) as engine:
        assert [getattr(model, "extra_body", "") for model in (*engine.planner, *engine.executor)] == [
            None,
            {"thinking": {"type": "disabled"}},
        ]


async def test_what_cannot_work_stops_the_start(database: Database) -> None:
    """An address that is none and tools that are not there are refused before any message is taken."""
    choice = ModelChoice("ftp://example.org", SecretStr("k"), ("m",), ("m",))
    with pytest.raises(ModelProfileInvalid):
        async with engine_of(database, choice, None, LIMITS):
            pass
    with pytest.raises(BadExtension):
        async with engine_of(database, None, ToolChoice("no_such_module:TOOLS"), LIMITS):
            pass
