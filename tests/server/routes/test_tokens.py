"""`/api/auth/tokens` over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from persistence.pools import Database
from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.scope import Role
from server.api_tokens import TOKENS_MAX
from server.credentials import digest_of, mint
from server.scopes import Scope
from server.tokens import issue_token
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import refusal, signed_in_client

HERE = "/api/auth/tokens"
SESSION = "/api/auth/session"


async def made(client: httpx.AsyncClient, name: str = "laptop", **fields: object) -> dict[str, Any]:
    """Make a token."""
    answer = await client.post(HERE, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    token: dict[str, Any] = answer.json()
    return token


def days_left(token: dict[str, Any]) -> float:
    """Return how many days a token has."""
    return (datetime.fromisoformat(token["expires_at"]) - datetime.now(UTC)) / timedelta(days=1)


@pytest.fixture
async def page(
    address: str, planwright: Planwright, database: Database, person: Person
) -> AsyncIterator[httpx.AsyncClient]:
    """Give a page that the one-time link signed in, with every right."""
    code = mint(planwright.sign_in.credential_key, Kind.LINK)
    async with database.acting(Role.API, person.identity) as scope:
        await credentials.add(scope, Kind.LINK, digest_of(code), list(Scope), timedelta(minutes=1))
    async with httpx.AsyncClient(base_url=address, headers={"Origin": address}) as client:
        assert (await client.post(SESSION, json={"code": code})).status_code == 204
        yield client


@asynccontextmanager
async def page_by(token: str, address: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Give a page that a token signed in."""
    async with httpx.AsyncClient(base_url=address, headers={"Origin": address}) as client:
        answer = await client.post(SESSION, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 204
        yield client


async def test_a_token_is_shown_once_and_signs_in(page: httpx.AsyncClient, address: str) -> None:
    """What is made signs in, with the rights and the days that were asked for; lists never show its text."""
    token = await made(page, "  my  laptop ", days=90, scopes=["read"])
    assert (token["name"], token["scopes"], token["last_used_at"]) == ("my laptop", ["read"], None)
    assert 89.9 < days_left(token) <= 90
    async with signed_in_client(address, token["token"]) as client:
        assert (await client.get("/api/agent/runs")).status_code == 200
        assert refusal(await client.post("/api/agent/stream", json={"message": "a"})) == (403, "forbidden")
    listed = (await page.get(HERE)).json()["tokens"]
    assert [{**one, "last_used_at": None} for one in listed] == [
        {name: value for name, value in token.items() if name != "token"}
    ]
    assert token["token"] not in (await page.get(HERE)).text


async def test_a_revoked_token_is_good_for_nothing(page: httpx.AsyncClient, address: str) -> None:
    """From then on it is refused, it is in no list, and it cannot be revoked again."""
    token = await made(page)
    async with signed_in_client(address, token["token"]) as client:
        assert (await client.get(HERE)).status_code == 200
        assert (await page.delete(f"{HERE}/{token['id']}")).status_code == 204
        assert refusal(await client.get(HERE)) == (401, "unauthorized")
    assert (await page.get(HERE)).json() == {"tokens": []}
    assert refusal(await page.delete(f"{HERE}/{token['id']}")) == (404, "not_found")


async def test_someone_elses_token_is_not_there(
    page: httpx.AsyncClient, strangers_client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """A stranger neither sees nor revokes it; and a page's session is no token, its owner's either."""
    token = await made(page)
    theirs, none = [await strangers_client.delete(f"{HERE}/{one}") for one in (token["id"], uuid4())]
    assert refusal(theirs) == refusal(none) == (404, "not_found")
    assert (await strangers_client.get(HERE)).json() == {"tokens": []}
    async with database.acting(Role.API, person.identity) as scope:
        session = await scope.value(object, "select id from credentials where kind = 'session'")
    assert refusal(await page.delete(f"{HERE}/{session}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("held", "wanted", "got"),
    [
        (["read", "write"], None, ["read", "write"]),
        (["write"], None, ["write"]),
        (["write", "admin"], ["admin"], ["admin"]),
        (["write"], ["read"], None),
        (["read", "write"], ["admin"], None),
        (["read", "write"], [], None),
    ],
)
async def test_nobody_gives_away_more_than_they_have(
    page: httpx.AsyncClient, address: str, held: list[str], wanted: list[str] | None, got: list[str] | None
) -> None:
    """A token that a token makes permits nothing that this one does not."""
    token = await made(page, scopes=held)
    async with signed_in_client(address, token["token"]) as client:
        answer = await client.post(HERE, json={"name": "a", **({} if wanted is None else {"scopes": wanted})})
    if got is None:
        assert refusal(answer) == (403, "forbidden")
    else:
        assert answer.json()["scopes"] == got


async def test_what_a_token_makes_goes_with_it(page: httpx.AsyncClient, address: str) -> None:
    """Tokens made with a token, or on a page that it opened, live no longer and are revoked with it."""
    leaked = await made(page, days=2)
    async with AsyncExitStack() as opened:
        bearer = await opened.enter_async_context(signed_in_client(address, leaked["token"]))
        its_page = await opened.enter_async_context(page_by(leaked["token"], address))
        children = [await made(bearer, days=366), await made(its_page, days=366)]
        grandchild_maker = await opened.enter_async_context(signed_in_client(address, children[0]["token"]))
        children.append(await made(grandchild_maker, days=366))
        assert all(days_left(child) <= 2 for child in children)
        assert (await page.delete(f"{HERE}/{leaked['id']}")).status_code == 204
        for child in children:
            async with signed_in_client(address, child["token"]) as client:
                assert refusal(await client.get(HERE)) == (401, "unauthorized")
        assert refusal(await its_page.get(HERE)) == (401, "unauthorized")
    assert (await page.get(HERE)).json() == {"tokens": []}


async def test_what_another_issuers_token_makes_ends_with_it(address: str, person: Person) -> None:
    """Tokens made with a JSON Web Token, or on a page that it opened, live no longer than that."""
    token = issue_token(TOKEN_KEY, person.id, 1)
    async with signed_in_client(address, token) as bearer, page_by(token, address) as its_page:
        assert all(days_left(one) <= 1 for one in [await made(bearer, days=366), await made(its_page, days=366)])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_field"),
        ({"name": ""}, "title_empty"),
        ({"name": "a" * 101}, "invalid_field"),
        ({"name": "a", "days": 0}, "invalid_field"),
        ({"name": "a", "days": 367}, "invalid_field"),
        ({"name": "a", "days": "7"}, "invalid_field"),
        ({"name": "a", "scopes": "read"}, "invalid_field"),
        ({"name": "a", "scopes": ["root"]}, "invalid_field"),
        ({"name": "a", "token": "pwt_mine"}, "unknown_field"),
        ({"name": "a", "made_with": str(uuid4())}, "unknown_field"),
    ],
)
async def test_what_is_no_wish_for_a_token_is_refused(
    client: httpx.AsyncClient, body: dict[str, object], code: str
) -> None:
    """A field that is none, or has no such value, is refused, and nothing is made."""
    assert refusal(await client.post(HERE, json=body)) == (422, code)
    assert (await client.get(HERE)).json() == {"tokens": []}


async def test_tokens_are_bounded(client: httpx.AsyncClient, person: Person, admin_dsn: str) -> None:
    """A person has so many tokens at a time; expired ones do not count."""
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(
            """
            insert into planwright.credentials (user_id, kind, digest, scopes, expires_at)
            select %s, 'token', sha256(convert_to(%s || n::text, 'UTF8')), '{}', now() + '1 day'
            from generate_series(1, %s) n
            """,
            (person.id, str(person.id), TOKENS_MAX),
        )
        assert refusal(await client.post(HERE, json={"name": "a"})) == (409, "too_many_tokens")
        admin.execute(
            """
            update planwright.credentials set expires_at = now() - interval '1 second'
            where id = (select id from planwright.credentials where user_id = %s limit 1)
            """,
            (person.id,),
        )
    assert (await made(client, "a"))["name"] == "a"
