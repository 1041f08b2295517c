"""`/api/agent/settings` over HTTP."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import psycopg
import pytest
from pydantic import SecretStr

import server
from nodes.vocabulary.limits import Limits
from server.app import serving
from server.engine import engine_of
from server.prices import PRICES
from server.settings import ModelChoice
from server.wiring import Planwright
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.server.reading import send, started
from tests.server.scripted_turns import ScriptedTurns
from tools.registry import Registry

HERE = "/api/agent/settings"


async def test_a_person_reads_what_they_work_with(client: httpx.AsyncClient) -> None:
    """Models, tools and version are those of the running program; nothing of it is an address or a key."""
    answer = (await client.get(HERE)).json()
    assert set(answer) == {"models", "limits", "today", "tools", "version"}
    offline = {"name": "planwright-offline", "provider": "planwright", "offline": True}
    assert answer["models"] == [{"profile": "planner", **offline}, {"profile": "executor", **offline}]
    assert answer["version"] == server.__version__
    assert {(tool["name"], tool["access"]) for tool in answer["tools"]} == {
        (tool.name, tool.access.value) for tool in Registry.build().tools.values()
    }
    assert all(tool["description"] for tool in answer["tools"])


async def test_limits_say_what_is_used(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """Each limit stands with its value; those of the person with what they use of it just now."""
    await send(client)
    script.go_on.clear()
    script.at_the_gate.clear()
    await started(client)
    await script.at_the_gate.wait()
    limits = {limit["name"]: limit for limit in (await client.get(HERE)).json()["limits"]}
    assert {name: limit["limit"] for name, limit in limits.items()} == {
        name: getattr(ROOMY, name) for name in Limits.__dataclass_fields__
    }
    used = {name: (limit["used"], limit["window_seconds"]) for name, limit in limits.items()}
    assert {name: use for name, use in used.items() if use != (None, None)} == {
        "requests_per_minute": (2, 60),
        "tokens_per_minute": (0, 60),
        "runs_at_once": (1, None),
    }


@pytest.mark.figure
async def test_todays_use_is_a_sum(client: httpx.AsyncClient, person: Person, admin_dsn: str) -> None:
    """What was used since the person's midnight is what SQL adds up from the rows; yesterday's is not in it."""
    run_id = (await send(client)).run_id
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for at in (datetime.now(UTC), datetime.now(UTC) - timedelta(days=2)):
            admin.execute(
                """
                insert into planwright.model_usage (user_id, run_id, purpose, model, reserved_tokens, prompt_tokens,
                    completion_tokens, cached_tokens, outcome, settled_at, created_at)
                select user_id, id, 'decide', model, 9000, 100, 10, 40, 'answered', now(), %s
                from planwright.runs, unnest(array['deepseek-v4-pro', 'deepseek-flash', 'deepseek-flash']) model
                where id = %s
                """,
                (at, run_id),
            )
        prices = {model: PRICES.per_million_tokens[model] for model in ("deepseek-v4-pro", "deepseek-flash")}
        summed = admin.execute(
            """
            select count(*), sum(prompt_tokens), sum(completion_tokens),
                sum((prompt_tokens - cached_tokens) * p.prompt + cached_tokens * p.cached
                    + completion_tokens * p.completion) / 1000000
            from planwright.model_usage u
            join unnest(%s::text[], %s::numeric[], %s::numeric[], %s::numeric[])
                as p (model, prompt, cached, completion) on p.model = u.model
            where user_id = %s
                and created_at >= date_trunc('day', now() at time zone 'Europe/Berlin') at time zone 'Europe/Berlin'
            """,
            (
                list(prices),
                *([getattr(price, kind) for price in prices.values()] for kind in ("prompt", "cached", "completion")),
                person.id,
            ),
        ).fetchone()
    assert summed is not None
    today = (await client.get(HERE)).json()["today"]
    assert (today["runs"], today["model_calls"]) == (1, summed[0])
    assert (today["prompt_tokens"], today["completion_tokens"]) == summed[1:3]
    assert Decimal(today["cost"]["amount"]) == summed[3]
    print(f"today's use: {summed[0]} calls, {today['cost']['amount']} USD in the answer and by SQL")


async def test_a_model_is_told_by_its_name_and_host(client: httpx.AsyncClient, planwright: Planwright) -> None:
    """Of a configured model nothing else is told: neither its key nor the rest of its address."""
    choice = ModelChoice(
        "https://somebody:canary-of-a-password@models.example.org/canary-of-a-path/v1",
        SecretStr("canary-of-a-key"),
        ("deep", "deep-too"),
        ("quick",),
    )
    async with (
        engine_of(planwright.database, choice, None, ROOMY) as engine,
        serving(replace(planwright, engine=engine)) as other,
        httpx.AsyncClient(base_url=other.address, headers={"Authorization": client.headers["Authorization"]}) as asking,
    ):
        answer = await asking.get(HERE)
    told = [(model["profile"], model["name"], model["provider"], model["offline"]) for model in answer.json()["models"]]
    assert told == [
        ("planner", "deep", "models.example.org", False),
        ("planner", "deep-too", "models.example.org", False),
        ("executor", "quick", "models.example.org", False),
    ]
    assert "canary" not in answer.text
