"""`/api/agent/doctor` over HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from persistence.scope import Role
from server.app import HttpServer, serving
from server.scopes import Scope
from server.settings import Settings
from server.tokens import issue_token
from server.wiring import Planwright, opened
from tests.conftest import TEST_SECRET, Person
from tests.scripted_model.replies import status, text
from tests.scripted_model.server import ScriptedModel
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import refusal, signed_in_client

HERE = "/api/agent/doctor"
MODEL_KEY = "canary-of-the-model-key"


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """Give a model that says ok."""
    with ScriptedModel([text("ok"), status(401, message=MODEL_KEY)], api_key=MODEL_KEY) as server:
        yield server


@pytest.fixture
async def installation(admin_dsn: str, tmp_path: Path, model: ScriptedModel) -> AsyncIterator[Planwright]:
    """Give a whole program on the suite's database."""
    settings = Settings(
        database_url=SecretStr(admin_dsn),
        data_dir=tmp_path,
        secret=SecretStr(TEST_SECRET.root.decode()),
        jwt_secret=SecretStr(TOKEN_KEY),
        model_base_url=model.base_url,
        model_api_key=SecretStr(MODEL_KEY),
        planner_model="deep",
    )
    async with opened(settings) as planwright:  # with a queue of its own: other tests leave runs in the shared one
        yield planwright


@pytest.fixture
async def site(installation: Planwright) -> AsyncIterator[HttpServer]:
    """Give a server over it."""
    async with serving(installation) as server:
        yield server


async def checked(site: HttpServer, person: Person) -> tuple[list[dict[str, Any]], str]:
    """Return the checks, and the whole answer."""
    token = issue_token(TOKEN_KEY, person.id, 1, [Scope.ADMIN])
    async with signed_in_client(site.address, token) as client:
        answer = await client.get(HERE)
    return answer.json()["checks"], answer.text


async def test_a_sound_server_says_so(site: HttpServer, person: Person, admin_dsn: str) -> None:
    """Every part is checked, each check has a sentence, and nothing of it is a key, a token or an address with one."""
    checks, body = await checked(site, person)
    named = {check["name"]: check for check in checks}
    assert {"server", "database", "migrations", "row security", "clock", "model", "sign-in", "tracing", *Role} <= set(
        named
    )
    assert named["server"] == {"name": "server", "ok": True, "says": "takes messages", "next_step": None}
    assert named["model"]["ok"], named["model"]
    assert named["row security"]["ok"]
    assert all(check["says"] and set(check) == {"name", "ok", "says", "next_step"} for check in checks)
    assert not any(secret in body for secret in (MODEL_KEY, TOKEN_KEY, TEST_SECRET.root.decode(), admin_dsn, "Bearer"))


async def test_a_fault_has_its_next_step(site: HttpServer, person: Person, model: ScriptedModel) -> None:
    """A model that refuses the key fails its check, in our words."""
    async with httpx.AsyncClient() as anybody:  # takes the model's one good answer
        body: dict[str, JsonValue] = {"model": "deep", "messages": []}
        headers = {"Authorization": f"Bearer {MODEL_KEY}"}
        await anybody.post(f"{model.base_url}/chat/completions", json=body, headers=headers)
    checks, text_of_it = await checked(site, person)
    found = next(check for check in checks if check["name"] == "model")
    assert not found["ok"]
    assert "PLANWRIGHT_MODEL_API_KEY" in found["next_step"]
    assert MODEL_KEY not in text_of_it


@pytest.mark.parametrize("scopes", [[Scope.READ, Scope.WRITE], [Scope.READ]])
async def test_only_an_administrator_may_ask(address: str, person: Person, scopes: list[Scope]) -> None:
    """Reading and writing are not enough."""
    async with signed_in_client(address, issue_token(TOKEN_KEY, person.id, 1, scopes)) as client:
        assert refusal(await client.get(HERE)) == (403, "forbidden")
