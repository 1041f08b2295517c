"""Who is let in over HTTP."""

import asyncio
import logging
import re
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from time import perf_counter, time
from typing import Annotated, Final
from uuid import UUID, uuid4

import httpx
import jwt
import psycopg
import pytest
from fastapi import Depends
from jwt.utils import base64url_encode

from persistence.record import users
from server import failures as failures_module
from server import keys as keys_module
from server.app import HttpServer, serving
from server.auth import requires
from server.failures import FAILURES_MAX, FORGIVEN_PER_SECOND, Failures
from server.scopes import Scope
from server.sign_in import SignIn
from server.tokens import issue_token
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.conftest import TOKEN_KEY
from tests.server.issuer import (
    HOUR,
    NAME,
    RSA_1024,
    RSA_2048,
    Issuer,
    Private,
    ec_key,
    issuing,
    published,
    says,
    set_of,
)
from tests.server.reading import STREAM, refusal, until

NOBODYS: Final = "0b0d1e50-0000-4000-8000-000000000000"
UNAUTHORIZED = (401, "unauthorized")
PYTEST_SEES: Final = {"httpx", "httpcore", "uvicorn"}  # the client's own, and the access log, which is off (test_app)
READS = [
    ("GET", STREAM),
    ("GET", "/api/agent/runs"),
    ("GET", f"/api/agent/runs/{NOBODYS}"),
    ("GET", f"/api/agent/runs/{NOBODYS}/events"),
]
OPEN = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/api/agent/events.schema.json"),
    ("GET", "/sign-in"),
    ("POST", "/api/auth/session"),  # reads a token or a code itself
}
WRITES = [
    ("POST", STREAM),
    ("PATCH", f"/api/agent/sessions/{NOBODYS}"),
    ("DELETE", f"/api/agent/sessions/{NOBODYS}"),
    ("POST", f"/api/agent/runs/{NOBODYS}/cancel"),
    ("POST", f"/api/agent/runs/{NOBODYS}/decision"),
]


@pytest.fixture
async def anybody(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that nobody is signed in at."""
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


async def ask(client: httpx.AsyncClient, token: str) -> httpx.Response:
    """Read with a token."""
    return await client.get(STREAM, headers={"Authorization": f"Bearer {token}"})


async def test_no_endpoint_is_open_but_those_that_are_meant_to_be(anybody: httpx.AsyncClient) -> None:
    """Each endpoint of the schema asks who is there, or is on the list of those that need not know."""
    paths: dict[str, dict[str, object]] = (await anybody.get("/openapi.json")).json()["paths"]
    endpoints = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    answers = {
        (method, path): await anybody.request(method, re.sub(r"\{\w+\}", NOBODYS, path)) for method, path in endpoints
    }
    assert {endpoint for endpoint, answer in answers.items() if answer.status_code != 401} == OPEN


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
async def test_every_endpoint_asks_who_is_there(anybody: httpx.AsyncClient, method: str, path: str) -> None:
    """Without a token every endpoint about somebody's data answers 401, and how to sign in."""
    response = await anybody.request(method, path)
    assert refusal(response) == UNAUTHORIZED
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Basic {token}",
        "{token}",
        "Bearer  {token}",
        "Bearer\t{token}",
        "Bearer {token} x",
        "Bearer {token},x",
        "Bearer {token}=",
        "Token {token}",
    ],
)
async def test_only_a_bearer_token_counts(anybody: httpx.AsyncClient, person: Person, header: str) -> None:
    """Any other scheme or shape of the header is the same as none."""
    token = issue_token(TOKEN_KEY, person.id, 1)
    response = await anybody.get(STREAM, headers={"Authorization": header.format(token=token)})
    assert refusal(response) == UNAUTHORIZED
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_huge_token_is_refused_unread(anybody: httpx.AsyncClient) -> None:
    """A token that just fits into the headers is 401; of 1 MB nobody even reads the end, and the server goes on."""
    assert refusal(await ask(anybody, "a" * 30_000)) == UNAUTHORIZED
    with suppress(httpx.TransportError):
        assert (await ask(anybody, "a" * 1_000_000)).status_code in {400, 431}
    assert (await anybody.get("/health/live")).status_code == 200


async def test_two_tokens_are_none(anybody: httpx.AsyncClient, person: Person) -> None:
    """Two Authorization headers are refused, even when both are right."""
    token = f"Bearer {issue_token(TOKEN_KEY, person.id, 1)}"
    response = await anybody.get(STREAM, headers=[("Authorization", token), ("Authorization", token)])
    assert refusal(response) == UNAUTHORIZED


@pytest.mark.parametrize("name", ["token", "access_token", "code"])
async def test_a_token_in_the_query_is_refused_and_never_logged(
    anybody: httpx.AsyncClient, client: httpx.AsyncClient, person: Person, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A token in the address would be logged by every machine on the way: it is none, and spoils one in the header."""
    caplog.set_level(logging.DEBUG)
    token = issue_token(TOKEN_KEY, person.id, 1)
    assert refusal(await anybody.get(STREAM, params={name: token})) == UNAUTHORIZED
    assert refusal(await client.get(STREAM, params={name: token})) == UNAUTHORIZED
    ours = [record.getMessage() for record in caplog.records if record.name.split(".")[0] not in PYTEST_SEES]
    assert token not in "".join(ours)


async def test_a_user_who_is_not_there_is_not_let_in(anybody: httpx.AsyncClient) -> None:
    """A well-signed token for an unknown user is refused like any other."""
    assert refusal(await ask(anybody, issue_token(TOKEN_KEY, uuid4(), 1))) == UNAUTHORIZED


async def test_a_disabled_user_is_not_let_in(client: httpx.AsyncClient, person: Person, admin_dsn: str) -> None:
    """Disabling a user shuts their valid tokens out at once."""
    assert (await client.get(STREAM)).status_code == 200
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute(
            "update planwright.users set disabled_at = %s where id = %s", (datetime.now(UTC), person.id)
        )
    assert refusal(await client.get(STREAM)) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param({"message": "Hello"}, {}, id="a message"),
        pytest.param({"message": "Hello"}, {"Idempotency-Key": "before"}, id="one that was sent before"),
        pytest.param({"message": "Hello"}, {"Idempotency-Key": "new"}, id="one with a key"),
        pytest.param({"message": "Hello", "session_id": NOBODYS}, {}, id="one into no session"),
        pytest.param({"message": ""}, {}, id="an empty one"),
        pytest.param({"massage": "Hello"}, {}, id="no message"),
    ],
)
async def test_a_message_of_a_disabled_user_is_refused_as_that(
    client: httpx.AsyncClient, person: Person, admin_dsn: str, body: dict[str, str], headers: dict[str, str]
) -> None:
    """Nothing is stored of it, and they are told nothing else, whatever would be said of the message to others."""
    await client.post(STREAM, json={"message": "Hello"}, headers={"Idempotency-Key": "before"})
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute("update planwright.users set disabled_at = now() where id = %s", (person.id,))
        assert refusal(await client.post(STREAM, json=body, headers=headers)) == UNAUTHORIZED
        reader = issue_token(TOKEN_KEY, person.id, 1, frozenset({Scope.READ}))
        only_reading = {"Authorization": f"Bearer {reader}", **headers}
        assert refusal(await client.post(STREAM, json=body, headers=only_reading)) == UNAUTHORIZED
        stored = await admin.execute("select count(*) from planwright.runs where user_id = %s", (person.id,))
        assert await stored.fetchone() == (1,)


async def test_a_deleted_user_is_not_let_in(client: httpx.AsyncClient, person: Person, admin_dsn: str) -> None:
    """A user who was deleted is one who never was."""
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute("delete from planwright.users where id = %s", (person.id,))
    assert refusal(await client.get(STREAM)) == UNAUTHORIZED


@pytest.mark.parametrize("origin", ["https://example.org", "null", "*", "http://127.0.0.1.example.org", "file://"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
async def test_no_origin_is_let_in(client: httpx.AsyncClient, method: str, origin: str) -> None:
    """No page of another origin may read an answer, and no preflight permits a request."""
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    response = await client.request(method, STREAM, headers={"Origin": origin, **wanted})
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
async def test_reading_and_writing_are_permitted_apart(
    anybody: httpx.AsyncClient, person: Person, method: str, path: str
) -> None:
    """What changes something needs `write`, everything else `read`; without it the answer is a small 403."""
    needed = Scope.READ if (method, path) in READS else Scope.WRITE
    for scope in Scope:
        token = issue_token(TOKEN_KEY, person.id, 1, [scope])
        response = await anybody.request(method, path, headers={"Authorization": f"Bearer {token}"})
        is_forbidden = response.status_code == 403
        assert is_forbidden == (scope is not needed)
        if is_forbidden:
            assert refusal(response) == (403, "forbidden")


@pytest.mark.parametrize("scopes", [[], [Scope.READ, Scope.WRITE], [Scope.ADMIN], list(Scope)])
async def test_administering_is_permitted_apart(
    http_server: HttpServer, anybody: httpx.AsyncClient, person: Person, scopes: list[Scope]
) -> None:
    """An endpoint may ask for `admin`, which no other scope includes; the user's id is what it gets."""
    api = http_server.api

    @api.get(path := f"/{uuid4()}")
    async def administer(user_id: Annotated[UUID, Depends(requires(Scope.ADMIN))]) -> UUID:
        return user_id

    try:
        response = await anybody.get(
            path, headers={"Authorization": f"Bearer {issue_token(TOKEN_KEY, person.id, 1, scopes)}"}
        )
    finally:
        api.router.routes.pop()
    if Scope.ADMIN in scopes:
        assert (response.status_code, response.json()) == (200, str(person.id))
    else:
        assert refusal(response) == (403, "forbidden")


async def test_a_bad_signature_costs_no_look_at_a_user(
    anybody: httpx.AsyncClient, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a user exists cannot be told from how a badly signed token is refused: nobody looks."""
    looked: list[UUID] = []

    async def noted(_: object, user_id: UUID) -> bool:
        looked.append(user_id)
        return True

    monkeypatch.setattr(users, "may_sign_in", noted)
    for user_id in (person.id, uuid4()):
        assert refusal(await ask(anybody, issue_token("x" * 40, user_id, 1))) == UNAUTHORIZED
    assert looked == []
    assert (await ask(anybody, issue_token(TOKEN_KEY, person.id, 1))).status_code == 200
    assert looked == [person.id]


async def test_known_and_unknown_users_take_the_same_time(
    anybody: httpx.AsyncClient, person: Person, planwright: Planwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown user, and a known one with a bad signature, are refused after the same time."""
    monkeypatch.setattr(failures_module, "FAILURES_MAX", 10_000)
    took: dict[UUID, list[float]] = {person.id: [], uuid4(): []}
    for _ in range(60):
        for user_id, times in took.items():
            begun = perf_counter()
            await ask(anybody, issue_token("x" * 40, user_id, 1))
            times.append(perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in took.values())
    assert abs(known - unknown) < 0.5 * max(known, unknown)


# An issuer of tokens.


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Give an issuer that the program believes."""
    async with issuing() as made:
        yield made


@pytest.fixture
async def theirs(
    issuer: Issuer, planwright: Planwright, http_server: HttpServer, anybody: httpx.AsyncClient
) -> httpx.AsyncClient:
    """Give a client of a server that takes this issuer's tokens, and makes users for whom it vouches."""
    trust(http_server, planwright, issuer.sign_in("Europe/Berlin"))
    return anybody


def trust(http_server: HttpServer, planwright: Planwright, sign_in: SignIn) -> None:
    """Have the server tell people apart in another way."""
    http_server.api.state.planwright = replace(planwright, sign_in=sign_in)


@pytest.mark.parametrize("key_id", ["rsa", "ec", "ed"])
async def test_a_token_of_the_issuer_signs_in(theirs: httpx.AsyncClient, issuer: Issuer, key_id: str) -> None:
    """A token by any of the published keys is taken."""
    assert (await ask(theirs, issuer.token(key_id))).status_code == 200


def unsigned(issuer: Issuer, algorithm: str) -> str:
    """Return a token without a signature whose header names an algorithm."""
    header = base64url_encode(b'{"alg":"%s","kid":"ec"}' % algorithm.encode()).decode()
    return f"{header}.{issuer.token().split('.')[1]}."


def by_published_text(issuer: Issuer) -> str:
    """Return a token that is signed with the text of a public key, as if it were a secret."""
    claims = {"iss": NAME, "aud": "planwright", "sub": "a", "exp": time() + HOUR}
    return jwt.encode(claims, str(published(issuer.keys["rsa"], "rsa")), "HS256", {"kid": "rsa"})


def with_another_key(key_id: str, algorithm: str, key: Private) -> str:
    """Return a token that names a key of the issuer and is signed by another."""
    return Issuer(keys={key_id: key}).token(key_id, algorithm)


def bad_tokens(issuer: Issuer) -> dict[str, str]:
    """Return tokens of which each has one thing wrong."""
    now = time()
    long = "k" * 10_000
    claims: dict[str, dict[str, object]] = {
        "expired": {"exp": now - 60},
        "no expiry": {"exp": None},
        "lives for two months": {"exp": now + 60 * 86_400},
        "expiry as text": {"exp": str(now + HOUR)},
        "valid in ten minutes": {"nbf": now + 600},
        "issued in ten minutes": {"iat": now + 600},
        "no audience": {"aud": None},
        "another audience": {"aud": "other"},
        "other audiences": {"aud": ["other", "planwright-admin"]},
        "another issuer": {"iss": f"{NAME}/"},
        "no issuer": {"iss": None},
        "an empty subject": {"sub": ""},
        "a subject with NUL": {"sub": "a\0b"},
        "a subject with half a character": {"sub": "\ud800"},
        "a subject of 1 KB": {"sub": "a" * 1000},
        "a subject that is an object": {"sub": {"a": 1}},
        "no subject": {"sub": None},
        "scopes that are an object": {"scope": {"read": 1}},
        "an ID token": {"nonce": "n"},
        "an ID token by its word": {"typ": "ID"},
    }
    headers: dict[str, dict[str, object]] = {
        "no key id": {"kid": None},
        "a key id that is a path": {"kid": "../../dev/null"},
        "a key id that is SQL": {"kid": "' OR 1=1"},
        "a key id of 10 KB": {"kid": long},
        "an unknown key id": {"kid": "unknown"},
        "the key id of another key": {"kid": "rsa"},
        "a critical extension": {"crit": ["exp"], "exp": 1},
        "an empty list of critical extensions": {"crit": []},
        "a key of its own": {"kid": "own", "jwk": published(ec_key(), "own")},
        "an address of keys": {"kid": "own", "jku": issuer.url},
        "another type": {"typ": "dpop+jwt"},
    }
    return {
        **{name: issuer.token(claims=changed) for name, changed in claims.items()},
        **{name: issuer.token(headers=changed) for name, changed in headers.items()},
        **{f"unsigned, {algorithm!r}": unsigned(issuer, algorithm) for algorithm in ("none", "nOnE", "", "ES256")},
        "a public key as a secret": by_published_text(issuer),
        "our own key": issue_token(TOKEN_KEY, uuid4(), 1),
        "ES256 against an RSA key": with_another_key("rsa", "ES256", ec_key()),
        "RS256 against an EC key": with_another_key("ec", "RS256", RSA_2048),
        "RS256 with 1,024 bits": with_another_key("small", "RS256", RSA_1024),
        "PS256, which nobody chose": with_another_key("rsa", "PS256", RSA_2048),
        "another key of that name": with_another_key("ec", "ES256", ec_key()),
        "a signature cut short": issuer.token()[:-4],
        "a token within a token": issuer.token() + "." + issuer.token(),
        "an API token that nobody made": "pwt_" + "A" * 56,
        "a prefix": "pwt_",
        "16 KB": "a" * 16_000,
        "dots": ".." * 40,
    }


async def test_every_bad_token_is_refused_alike(
    theirs: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with a token, answer and headers are the same 401, and nobody is made for it."""
    monkeypatch.setattr(failures_module, "FAILURES_MAX", 10_000)
    issuer.keys["small"] = RSA_1024
    answers = {name: await ask(theirs, token) for name, token in bad_tokens(issuer).items()}
    assert {name for name, answer in answers.items() if refusal(answer) != UNAUTHORIZED} == set()
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {"Bearer"}
    assert len({answer.content for answer in answers.values()}) == 1
    assert issuer.asked <= 2


@pytest.mark.figure
async def test_bad_tokens_open_nothing(
    theirs: httpx.AsyncClient,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each bad token, at each endpoint, is refused; afterwards a good one is taken."""
    monkeypatch.setattr(failures_module, "FAILURES_MAX", 10_000)
    issuer.keys["small"] = RSA_1024
    tried = list(product(bad_tokens(issuer).values(), READS + WRITES))
    answers = [
        await theirs.request(method, path, headers={"Authorization": f"Bearer {token}"})
        for token, (method, path) in tried
    ]
    codes = Counter(answer.status_code for answer in answers)
    broken = sum(count for code, count in codes.items() if code >= 500)
    with capsys.disabled():
        print(f"bad tokens: {len(tried)} tried, {len(tried) - codes[401] - broken} accepted, {broken} 5xx")
    assert codes == {401: len(tried)}
    assert (await ask(theirs, issuer.token())).status_code == 200


async def test_clocks_of_the_issuer_may_differ_by_half_a_minute(theirs: httpx.AsyncClient, issuer: Issuer) -> None:
    """What is wrong by less than the leeway is right."""
    for claims in ({"exp": time() - 20}, {"nbf": time() + 20}, {"iat": time() + 20}):
        assert (await ask(theirs, issuer.token(claims=claims))).status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param("ada", "ada", True, id="the same subject"),
        pytest.param("ada", "Ada", False, id="another case"),
        pytest.param("ada", "ada ada", False, id="a longer one"),
    ],
)
async def test_a_subject_is_a_user(
    theirs: httpx.AsyncClient,
    issuer: Issuer,
    first: str,
    second: str,
    same: bool,  # noqa: FBT001 - a table
) -> None:
    """A subject is compared byte by byte, and each is one user: what the first wrote, only the first sees."""
    ending = uuid4().hex
    tokens = [issuer.token(claims={"sub": f"{subject}-{ending}"}) for subject in (first, second)]
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    assert (await theirs.post(STREAM, json={"message": "Hello"}, headers=headers)).status_code == 200
    assert len((await ask(theirs, tokens[1])).json()["sessions"]) == same


async def test_twenty_first_requests_at_once_make_one_user(
    theirs: httpx.AsyncClient, issuer: Issuer, admin_dsn: str
) -> None:
    """Whoever comes in many times at once for the first time is one user, and each time let in."""
    subject = uuid4().hex
    answers = await asyncio.gather(*(ask(theirs, issuer.token(claims={"sub": subject})) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    async with await psycopg.AsyncConnection.connect(admin_dsn) as admin:
        made = await admin.execute("select issuer, time_zone from planwright.users where subject = %s", (subject,))
        assert await made.fetchall() == [(NAME, "Europe/Berlin")]


async def test_nobody_is_made_unless_the_operator_says_so(
    anybody: httpx.AsyncClient, issuer: Issuer, planwright: Planwright, http_server: HttpServer
) -> None:
    """Without that setting a subject whom nobody let in is refused like a bad token."""
    trust(http_server, planwright, issuer.sign_in())
    assert refusal(await ask(anybody, issuer.token())) == UNAUTHORIZED


async def test_a_disabled_subject_stays_out(theirs: httpx.AsyncClient, issuer: Issuer, admin_dsn: str) -> None:
    """A disabled user is not made a second time."""
    token = issuer.token(claims={"sub": (subject := uuid4().hex)})
    assert (await ask(theirs, token)).status_code == 200
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute("update planwright.users set disabled_at = now() where subject = %s", (subject,))
    assert refusal(await ask(theirs, token)) == UNAUTHORIZED


async def test_a_storm_of_unknown_keys_reaches_the_issuer_once(
    theirs: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred tokens with made-up keys make the program ask the issuer once more, and known keys go on."""
    monkeypatch.setattr(failures_module, "FAILURES_MAX", 10_000)
    assert (await ask(theirs, issuer.token())).status_code == 200
    asked = issuer.asked
    storm = [ask(theirs, issuer.token(headers={"kid": f"k{number}"})) for number in range(200)]
    assert {refusal(answer) for answer in await asyncio.gather(*storm)} == {UNAUTHORIZED}
    assert issuer.asked <= asked + 1
    assert (await ask(theirs, issuer.token())).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="HTML"),
        pytest.param(set_of({"kid": "ec", "kty": "EC", "crv": "P-256", "x": "", "y": ""}), id="a malformed key"),
    ],
)
async def test_an_issuer_that_talks_nonsense_changes_nothing(
    theirs: httpx.AsyncClient, issuer: Issuer, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the endpoint is broken, tokens by known keys are taken and others get 401, never a 5xx."""
    assert (await ask(theirs, issuer.token())).status_code == 200
    monkeypatch.setattr(keys_module, "UNKNOWN_KEY_SECONDS", 0.0)
    issuer.answer = says(body)
    assert refusal(await ask(theirs, issuer.token(headers={"kid": "new"}))) == UNAUTHORIZED
    assert (await ask(theirs, issuer.token())).status_code == 200


async def test_a_server_reads_the_keys_by_itself(planwright: Planwright, issuer: Issuer) -> None:
    """While it serves, a server has the keys without anybody asking for one."""
    keys = issuer.sign_in().keys
    assert keys is not None

    async def read() -> bool:
        return len(keys) > 0

    async with serving(replace(planwright, sign_in=SignIn(keys=keys))):
        await until(read)


async def test_an_issuer_that_was_never_reached_signs_nobody_in(
    anybody: httpx.AsyncClient, issuer: Issuer, planwright: Planwright, http_server: HttpServer
) -> None:
    """Without a key, a token of the issuer is refused, not an error of ours; it is not ready, and says so."""
    issuer.answer = says(b"", "503 Service Unavailable")
    trust(http_server, planwright, issuer.sign_in())
    assert refusal(await ask(anybody, issuer.token())) == UNAUTHORIZED
    assert refusal(await anybody.get("/health/ready")) == (503, "not_ready")


async def test_a_broken_issuer_degrades_readiness(
    theirs: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With keys that are known but could not be read again, the server takes requests, and says that it is degraded."""
    assert (await ask(theirs, issuer.token())).status_code == 200
    assert (await theirs.get("/health/ready")).json() == {"status": "ready"}
    monkeypatch.setattr(keys_module, "UNKNOWN_KEY_SECONDS", 0.0)
    issuer.answer = says(b"", "500 Internal Server Error")
    await ask(theirs, issuer.token(headers={"kid": "new"}))
    ready = await theirs.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "degraded"})


# Too many failures.


async def test_failures_are_limited_for_the_address_alone(
    anybody: httpx.AsyncClient, client: httpx.AsyncClient, http_server: HttpServer
) -> None:
    """Hundreds of bad tokens get 429 after the first thirty; valid ones from the same address are taken as before."""
    begun = perf_counter()
    answers = [await ask(anybody, issue_token("x" * 40, uuid4(), 1)) for _ in range(400)]
    forgiven = (perf_counter() - begun) * FORGIVEN_PER_SECOND
    codes = Counter(refusal(answer) for answer in answers)
    assert set(codes) == {UNAUTHORIZED, (429, "too_many_failures")}
    assert FAILURES_MAX <= codes[UNAUTHORIZED] <= FAILURES_MAX + forgiven + 1
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await client.get(STREAM)).status_code == 200
    assert len((http_server.api.state.planwright).sign_in.failures) == 1


def test_addresses_are_told_apart_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address has its own count, an IPv6 network one; no number of addresses takes more memory."""
    monkeypatch.setattr(failures_module, "ADDRESSES_MAX", 100)
    monkeypatch.setattr(failures_module, "monotonic", lambda: 0.0)
    failures = Failures()
    assert [failures.note("192.0.2.1") for _ in range(FAILURES_MAX + 2)] == [False] * FAILURES_MAX + [True] * 2
    assert not failures.note("192.0.2.2")
    for number in range(FAILURES_MAX):
        failures.note(f"2001:db8::{number:x}")
    assert failures.note("2001:db8::ffff")
    assert not failures.note("2001:db8:0:1::1")
    for number in range(1000):
        failures.note(f"10.0.{number // 256}.{number % 256}")
    assert len(failures) == 100
    assert not failures.note("192.0.2.1")


def test_failures_are_forgiven_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that stopped failing may fail again, one every two seconds."""
    now = 0.0
    monkeypatch.setattr(failures_module, "monotonic", lambda: now)
    failures = Failures()
    for _ in range(1000):
        failures.note("192.0.2.1")
    now = 1.9
    assert failures.note("192.0.2.1")
    now += 62.0
    assert [failures.note("192.0.2.1") for _ in range(31)].count(False) == FAILURES_MAX
