"""Who is let in over HTTP."""

from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import httpx
import psycopg
import pytest

from server.tokens import issue_token
from tests.conftest import Person
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import STREAM, refusal

NOBODYS: Final = "0b0d1e50-0000-4000-8000-000000000000"
UNAUTHORIZED = (401, "unauthorized")
EVERY_DOOR = [
    ("POST", STREAM),
    ("GET", STREAM),
    ("PATCH", f"/api/agent/sessions/{NOBODYS}"),
    ("DELETE", f"/api/agent/sessions/{NOBODYS}"),
    ("GET", "/api/agent/runs"),
    ("GET", f"/api/agent/runs/{NOBODYS}"),
    ("GET", f"/api/agent/runs/{NOBODYS}/events"),
    ("POST", f"/api/agent/runs/{NOBODYS}/cancel"),
]


@pytest.mark.parametrize(("method", "path"), EVERY_DOOR)
async def test_every_endpoint_asks_who_is_there(address: str, method: str, path: str) -> None:
    """Without a token every endpoint about somebody's data answers 401, and how to sign in."""
    async with httpx.AsyncClient(base_url=address) as client:
        response = await client.request(method, path)
    assert refusal(response) == UNAUTHORIZED
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Basic {token}", "{token}", "Bearer  {token}", "Bearer {token} x", "Bearer {token},x"],
)
async def test_only_a_bearer_token_counts(address: str, person: Person, header: str) -> None:
    """Any other scheme or shape of the header is the same as none."""
    token = issue_token(TOKEN_KEY, person.id, 1)
    async with httpx.AsyncClient(base_url=address) as client:
        response = await client.get(STREAM, headers={"Authorization": header.format(token=token)})
    assert refusal(response) == UNAUTHORIZED


async def test_two_tokens_are_none(address: str, person: Person) -> None:
    """Two Authorization headers are refused, even when both are right."""
    token = f"Bearer {issue_token(TOKEN_KEY, person.id, 1)}"
    async with httpx.AsyncClient(base_url=address) as client:
        response = await client.get(STREAM, headers=[("Authorization", token), ("Authorization", token)])
    assert refusal(response) == UNAUTHORIZED


async def test_a_token_in_the_query_is_not_read(address: str, person: Person) -> None:
    """A token in the address would be logged by every machine on the way, so it is no token."""
    token = issue_token(TOKEN_KEY, person.id, 1)
    async with httpx.AsyncClient(base_url=address) as client:
        response = await client.get(STREAM, params={"token": token, "access_token": token})
    assert refusal(response) == UNAUTHORIZED


async def test_a_user_who_is_not_there_is_not_let_in(address: str) -> None:
    """A well-signed token for an unknown user is refused like any other."""
    async with httpx.AsyncClient(base_url=address) as client:
        token = issue_token(TOKEN_KEY, uuid4(), 1)
        response = await client.get(STREAM, headers={"Authorization": f"Bearer {token}"})
    assert refusal(response) == UNAUTHORIZED


async def test_a_disabled_user_is_not_let_in(client: httpx.AsyncClient, person: Person, admin_dsn: str) -> None:
    """Disabling a user shuts their valid tokens out at once."""
    assert (await client.get(STREAM)).status_code == 200
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute(
            "update planwright.users set disabled_at = %s where id = %s", (datetime.now(UTC), person.id)
        )
    assert refusal(await client.get(STREAM)) == UNAUTHORIZED


async def test_no_origin_is_let_in(client: httpx.AsyncClient) -> None:
    """No page of another origin may read an answer."""
    response = await client.get(STREAM, headers={"Origin": "https://example.org"})
    assert not [name for name in response.headers if name.startswith("access-control")]
