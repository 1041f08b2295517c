"""The web page's session, API tokens, and the streams of those who may no longer read, over HTTP."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from time import time
from typing import Final

import httpx
import jwt
import psycopg
import pytest

from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.record import credentials
from persistence.record.credentials import SESSIONS_MAX, Kind
from persistence.scope import Role
from server import guarded as guarded_module
from server import tail as tail_module
from server.credentials import digest_of, is_ours, mint
from server.scopes import Scope
from server.tokens import issue_token
from server.wiring import Planwright
from tests.conftest import Person
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import STREAM, refusal, started
from tests.server.scripted_turns import ScriptedTurns
from tests.server.test_auth import PYTEST_SEES

SESSION: Final = "/api/auth/session"
UNAUTHORIZED: Final = (401, "unauthorized")
HOUR: Final = timedelta(hours=1)
NAME: Final = "planwright_session"


@pytest.fixture
async def browser(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that keeps cookies and is signed in as nobody."""
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


async def issued(
    database: Database, planwright: Planwright, person: Person, kind: Kind, *scopes: Scope, lives: timedelta = HOUR
) -> str:
    """Return a credential of the person's."""
    text = mint(planwright.sign_in.credential_key, kind)
    async with database.acting(Role.API, person.identity) as scope:
        await credentials.add(scope, kind, digest_of(text), scopes or [Scope.READ, Scope.WRITE], lives)
    return text


@pytest.fixture
async def link(database: Database, planwright: Planwright, person: Person) -> str:
    """Give the code of a one-time link."""
    return await issued(database, planwright, person, Kind.LINK)


@pytest.fixture
async def api_token(database: Database, planwright: Planwright, person: Person) -> str:
    """Give an API token."""
    return await issued(database, planwright, person, Kind.TOKEN)


@pytest.fixture
async def page(browser: httpx.AsyncClient, link: str) -> httpx.AsyncClient:
    """Give a browser that is signed in by the link."""
    assert (await browser.post(SESSION, json={"code": link})).status_code == 204
    return browser


def bearer(token: str) -> dict[str, str]:
    """Return the header that signs in."""
    return {"Authorization": f"Bearer {token}"}


async def test_a_link_signs_one_browser_in(browser: httpx.AsyncClient, link: str) -> None:
    """Of many that open the link at once one is signed in; its cookie is out of reach for scripts and other sites."""
    answers = await asyncio.gather(*(browser.post(SESSION, json={"code": link}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [204] + [401] * 9
    [cookie] = [answer.headers["set-cookie"] for answer in answers if answer.is_success]
    assert re.fullmatch(rf"{NAME}=pws_[\w-]{{56}}; HttpOnly; Max-Age=604800; Path=/; SameSite=strict", cookie)
    assert (await browser.get(STREAM)).status_code == 200
    assert refusal(await browser.post(SESSION, json={"code": link})) == UNAUTHORIZED


async def test_the_page_of_the_link_asks_for_nothing_from_elsewhere(browser: httpx.AsyncClient) -> None:
    """The link's page runs its own script only, is kept by nobody, framed by nobody, and tells nobody where it was."""
    first, second = await browser.get("/sign-in"), await browser.get("/sign-in")
    policy = first.headers["content-security-policy"]
    [nonce] = re.findall(r"script-src 'nonce-([\w-]{22})'", policy)
    assert first.text.count(nonce) == 1
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert nonce not in second.text
    assert (first.headers["cache-control"], first.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_elsewhere_than_on_this_machine_the_cookie_is_for_https_alone(
    browser: httpx.AsyncClient, link: str
) -> None:
    """Under any other host the cookie is secure, and bound to that host, so that no neighbour can set it."""
    host = {"Host": "plans.example.org"}
    cookie = (await browser.post(SESSION, json={"code": link}, headers=host)).headers["set-cookie"]
    assert cookie.startswith(f"__Host-{NAME}=pws_")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    value = cookie.partition("=")[2].partition(";")[0]
    browser.cookies.clear()
    for name, status in ((f"__Host-{NAME}", 200), (NAME, 401)):
        answer = await browser.get(STREAM, headers={**host, "Cookie": f"{name}={value}"})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [{"code": ""}, {"code": "pwl_" + "A" * 56}, {"code": "pwl_"}],
    ids=["nothing", "made up", "a prefix"],
)
async def test_a_code_that_is_none_signs_nobody_in(browser: httpx.AsyncClient, body: dict[str, str]) -> None:
    """A code that nobody made is 401, without a cookie."""
    answer = await browser.post(SESSION, json=body)
    assert refusal(answer) == UNAUTHORIZED
    assert "set-cookie" not in answer.headers


async def test_a_credential_opens_what_it_is_for(
    browser: httpx.AsyncClient, database: Database, planwright: Planwright, person: Person
) -> None:
    """A link is no token, a token no link, a session neither; a token of another installation is none."""
    made = {kind: await issued(database, planwright, person, kind) for kind in Kind}
    for kind, text in made.items():
        assert (await browser.get(STREAM, headers=bearer(text))).status_code == (200 if kind is Kind.TOKEN else 401)
        answer = await browser.get(STREAM, headers={"Cookie": f"{NAME}={text}"})
        assert answer.status_code == (200 if kind is Kind.SESSION else 401)
    for kind in (Kind.TOKEN, Kind.SESSION):
        assert refusal(await browser.post(SESSION, json={"code": made[kind]})) == UNAUTHORIZED
    elsewhere = mint(b"another installation", Kind.TOKEN)
    async with database.acting(Role.API, person.identity) as scope:
        await credentials.add(scope, Kind.TOKEN, digest_of(elsewhere), ["read"], HOUR)
    assert refusal(await browser.get(STREAM, headers=bearer(elsewhere))) == UNAUTHORIZED
    assert not is_ours(planwright.sign_in.credential_key, Kind.TOKEN, elsewhere)


@pytest.mark.parametrize("kind", Kind)
async def test_a_credential_expires(
    browser: httpx.AsyncClient, database: Database, planwright: Planwright, person: Person, kind: Kind
) -> None:
    """One that has expired is good for nothing."""
    text = await issued(database, planwright, person, kind, lives=timedelta(seconds=-1))
    answers = [
        await browser.get(STREAM, headers=bearer(text)),
        await browser.get(STREAM, headers={"Cookie": f"{NAME}={text}"}),
        await browser.post(SESSION, json={"code": text}),
    ]
    assert {refusal(answer) for answer in answers} == {UNAUTHORIZED}


async def test_a_token_is_exchanged_for_a_session_that_ends_with_it(
    browser: httpx.AsyncClient, api_token: str, admin_dsn: str, person: Person
) -> None:
    """The page hands in an API token once and keeps a cookie; revoking the token signs the page out."""
    assert (await browser.post(SESSION, headers=bearer(api_token))).status_code == 204
    assert (await browser.get(STREAM)).status_code == 200
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute("delete from planwright.credentials where kind = 'token' and user_id = %s", (person.id,))
    assert refusal(await browser.get(STREAM)) == UNAUTHORIZED
    assert refusal(await browser.get(STREAM, headers=bearer(api_token))) == UNAUTHORIZED


async def test_a_session_lives_no_longer_and_permits_no_more_than_its_token(
    browser: httpx.AsyncClient, person: Person
) -> None:
    """A token of an hour that may only read makes a session of an hour that may only read."""
    claims = {"sub": str(person.id), "exp": time() + 3600, "scope": "read"}
    answer = await browser.post(SESSION, headers=bearer(jwt.encode(claims, TOKEN_KEY, "HS256")))
    [seconds] = re.findall(r"Max-Age=(\d+)", answer.headers["set-cookie"])
    assert 3500 < int(seconds) <= 3600
    assert (await browser.get(STREAM)).status_code == 200
    origin = {"Origin": str(browser.base_url).rstrip("/")}
    assert refusal(await browser.post(STREAM, json={"message": "a"}, headers=origin)) == (403, "forbidden")


async def test_a_bad_token_is_exchanged_for_nothing(browser: httpx.AsyncClient, person: Person) -> None:
    """Neither a badly signed token nor two good ones open a session."""
    good = f"Bearer {issue_token(TOKEN_KEY, person.id, 1)}"
    for headers in ([("Authorization", "Bearer a.b.c")], [("Authorization", good)] * 2):
        assert refusal(await browser.post(SESSION, headers=headers)) == UNAUTHORIZED


async def test_signing_out_ends_the_session(page: httpx.AsyncClient) -> None:
    """After it the cookie is good for nothing, wherever a copy of it is, and the browser forgets it."""
    kept = page.cookies[NAME]
    origin = {"Origin": str(page.base_url).rstrip("/")}
    answer = await page.delete(SESSION, headers=origin)
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (204, True)
    assert refusal(await page.get(STREAM)) == UNAUTHORIZED
    assert refusal(await page.get(STREAM, headers={"Cookie": f"{NAME}={kept}"})) == UNAUTHORIZED


async def test_signing_out_is_for_pages(browser: httpx.AsyncClient, api_token: str) -> None:
    """A token has no session to end, and is not revoked by it."""
    assert refusal(await browser.delete(SESSION, headers=bearer(api_token))) == (404, "not_found")
    assert (await browser.get(STREAM, headers=bearer(api_token))).status_code == 200
    assert refusal(await browser.delete(SESSION)) == UNAUTHORIZED


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"Authorization": "Bearer {token}"}, id="a token beside it"),
        pytest.param({"Authorization": "Basic YTpi"}, id="a password beside it"),
        pytest.param({"Cookie": f"{NAME}={{session}}; {NAME}={{session}}"}, id="twice"),
        pytest.param({"Cookie": f"{NAME}={{session}}; {NAME}="}, id="and an empty one"),
        pytest.param({"Cookie": f'{NAME}="{{session}}"'}, id="in quotes"),
        pytest.param({"Cookie": f"{NAME}={{session}}x"}, id="and a letter"),
        pytest.param({"Cookie": f"{NAME.upper()}={{session}}"}, id="by another name"),
    ],
)
async def test_a_request_is_signed_in_by_one_thing(
    page: httpx.AsyncClient, person: Person, more: dict[str, str]
) -> None:
    """A cookie and a header, or two cookies, are refused, even when each is right."""
    token, session = issue_token(TOKEN_KEY, person.id, 1), page.cookies[NAME]
    if "Cookie" in more:
        page.cookies.clear()
    headers = {name: value.format(token=token, session=session) for name, value in more.items()}
    assert refusal(await page.get(STREAM, headers=headers)) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("headers", "reads", "acts"),
    [
        pytest.param({}, True, False, id="says nothing"),
        pytest.param({"Origin": "http://{host}"}, True, True, id="our origin"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, True, True, id="the same origin"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "http://{host}"}, True, True, id="both"),
        pytest.param({"Sec-Fetch-Site": "none"}, True, False, id="typed in"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, False, False, id="another port of this machine"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, False, False, id="another site"),
        pytest.param({"Sec-Fetch-Site": "unheard-of"}, False, False, id="an unknown word"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, False, False, id="a sandboxed frame"),
        pytest.param({"Origin": "null"}, False, False, id="no origin"),
        pytest.param({"Origin": "http://evil.example"}, False, False, id="another origin"),
        pytest.param({"Origin": "http://{host}.evil.example"}, False, False, id="an origin that begins like ours"),
        pytest.param({"Origin": "http://evil.example/{host}"}, False, False, id="an origin that ends like ours"),
        pytest.param({"Origin": "http://a@{host}"}, False, False, id="an origin with a user"),
        pytest.param({"Origin": "http://127.0.0.1"}, False, False, id="our host, another port"),
        pytest.param({"Origin": "ftp://{host}"}, False, False, id="another scheme"),
    ],
)
async def test_a_page_of_somebody_else_acts_in_nobodys_name(
    page: httpx.AsyncClient,
    headers: dict[str, str],
    reads: bool,  # noqa: FBT001 - a table
    acts: bool,  # noqa: FBT001 - a table
) -> None:
    """With the cookie, a request counts only when the browser says that our own page makes it."""
    host = str(page.base_url).removeprefix("http://").rstrip("/")
    sent = {name: value.format(host=host) for name, value in headers.items()}
    got = await page.get(STREAM, headers=sent)
    assert got.status_code == 200 if reads else refusal(got) == (403, "cross_site")
    posted = await page.post(STREAM, json={"message": "Hello"}, headers=sent)
    assert posted.status_code == 200 if acts else refusal(posted) == (403, "cross_site")
    left = await page.delete(SESSION, headers=sent)
    assert left.status_code == 204 if acts else refusal(left) == (403, "cross_site")


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_nobody_is_signed_in_by_a_page_of_somebody_else(
    browser: httpx.AsyncClient, link: str, person: Person, origin: str
) -> None:
    """A page that would sign a person in as somebody else is refused, and the link is good still."""
    headers = {"Origin": origin}
    assert refusal(await browser.post(SESSION, json={"code": link}, headers=headers)) == (403, "cross_site")
    token = issue_token(TOKEN_KEY, person.id, 1)
    assert refusal(await browser.post(SESSION, headers=headers | bearer(token))) == (403, "cross_site")
    assert (await browser.post(SESSION, json={"code": link})).status_code == 204


async def test_a_header_needs_no_page(client: httpx.AsyncClient) -> None:
    """A token in the header is sent by nobody unasked, so it is taken from wherever the request comes."""
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.get(STREAM, headers=headers)).status_code == 200


async def test_old_sessions_give_way(
    browser: httpx.AsyncClient, api_token: str, admin_dsn: str, person: Person
) -> None:
    """A user has a bounded number of sessions; the newest are kept, and no token goes with the others."""
    for _ in range(SESSIONS_MAX + 5):
        assert (await browser.post(SESSION, headers=bearer(api_token))).status_code == 204
    assert (await browser.get(STREAM)).status_code == 200
    async with await psycopg.AsyncConnection.connect(admin_dsn) as admin:
        counted = await admin.execute(
            "select kind, count(*) from planwright.credentials where user_id = %s group by kind order by kind",
            (person.id,),
        )
        assert await counted.fetchall() == [("session", SESSIONS_MAX), ("token", 1)]


async def test_last_use_is_noted_now_and_then(
    browser: httpx.AsyncClient, api_token: str, database: Database, person: Person, admin_dsn: str
) -> None:
    """The first use is noted, the next fifty write nothing, and one after ten minutes is noted again."""

    async def noted() -> list[tuple[object, ...]]:
        async with await psycopg.AsyncConnection.connect(admin_dsn) as admin:
            found = await admin.execute(
                "select last_used_at, xmin::text from planwright.credentials where user_id = %s", (person.id,)
            )
            return await found.fetchall()

    [(never, _)] = await noted()
    answers = await asyncio.gather(*(browser.get(STREAM, headers=bearer(api_token)) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    [(first, row)] = await noted()
    for _ in range(50):
        await browser.get(STREAM, headers=bearer(api_token))
    assert (never, first is None, await noted()) == (None, False, [(first, row)])
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute(
            "update planwright.credentials set last_used_at = now() - interval '11 minutes' where user_id = %s",
            (person.id,),
        )
    await browser.get(STREAM, headers=bearer(api_token))
    [(again, _)] = await noted()
    assert again > first  # type: ignore[operator]


async def test_what_nobody_made_never_reaches_the_database(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that only looks like a token, a session or a code costs no look at the database."""
    looked: list[object] = []

    async def noted(*arguments: object) -> None:
        looked.append(arguments)

    monkeypatch.setattr(credentials, "holder", noted)
    monkeypatch.setattr(credentials, "open_session", noted)
    for prefix in ("pwt_", "pws_", "pwl_"):
        text = prefix + "A" * 56
        await browser.get(STREAM, headers=bearer(text))
        await browser.get(STREAM, headers={"Cookie": f"{NAME}={text}"})
        await browser.post(SESSION, json={"code": text})
    assert looked == []


async def test_no_credential_is_said_or_kept(
    address: str,
    link: str,
    api_token: str,
    person: Person,
    admin_dsn: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Good or bad, what signs in stands in no answer, no log line and no table, but in the cookie alone."""
    caplog.set_level(logging.DEBUG)
    used = {link, api_token, issue_token(TOKEN_KEY, person.id, 1), f"{api_token}x", "canary.canary.canary"}
    said: list[str] = []
    for text in sorted(used):
        async with httpx.AsyncClient(base_url=address) as browser:
            opened = [
                await browser.post(SESSION, headers=bearer(text)),
                await browser.post(SESSION, json={"code": text}),
            ]
            used |= {str(value) for value in browser.cookies.values()}
            answers = [
                await browser.get(STREAM),
                await browser.get(STREAM, headers=bearer(text)),
                await browser.get(STREAM, params={"token": text}),
                await browser.get(f"/api/agent/runs/{text}"),
            ]
            said += [answer.text for answer in opened] + [f"{answer.headers} {answer.text}" for answer in answers]
    assert len(used) == 8  # three of them opened a session
    said += [record.getMessage() for record in caplog.records if record.name.split(".")[0] not in PYTEST_SEES]
    async with await psycopg.AsyncConnection.connect(admin_dsn) as admin:
        rows = await admin.execute(
            "select c::text from planwright.credentials c union all select u::text from planwright.users u"
        )
        said += [str(row) for row in await rows.fetchall()]
    assert [text for text in used if any(text in one for one in said)] == []


# Streams of those who may no longer read.


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have streams look quickly whether their reader may still read; in earnest it takes up to a minute."""
    monkeypatch.setattr(guarded_module, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(tail_module, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(tail_module, "POLL_SECONDS", 0.02)


async def rest_after(response: httpx.Response, change: str, admin_dsn: str, person: Person) -> str:
    """Return what a stream still says once something changed behind its first event."""
    lines = response.aiter_lines()
    assert await anext(lines) == "id: 1"
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        await admin.execute(change.encode(), (person.id,))
    async with asyncio.timeout(10):
        return "".join([line async for line in lines])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("update planwright.users set disabled_at = now() where id = %s", id="disabled"),
        pytest.param("delete from planwright.users where id = %s", id="deleted"),
        pytest.param("delete from planwright.credentials where user_id = %s", id="revoked"),
    ],
)
@pytest.mark.usefixtures("quick")
async def test_the_streams_of_somebody_who_may_no_longer_read_end(
    browser: httpx.AsyncClient,
    api_token: str,
    person: Person,
    script: ScriptedTurns,
    admin_dsn: str,
    change: str,
) -> None:
    """A live stream of somebody disabled or deleted, or by a token that was revoked, ends without a last event."""
    script.go_on.clear()
    browser.headers.update(bearer(api_token))
    run_id, _ = await started(browser)
    await script.at_the_gate.wait()
    async with browser.stream("GET", f"/api/agent/runs/{run_id}/events") as response:
        rest = await rest_after(response, change, admin_dsn, person)
    assert '"type":"done"' not in rest
    assert refusal(await browser.get(f"/api/agent/runs/{run_id}/events")) == UNAUTHORIZED


@pytest.mark.usefixtures("quick")
async def test_a_token_that_expires_ends_no_stream(
    browser: httpx.AsyncClient, api_token: str, person: Person, script: ScriptedTurns, admin_dsn: str
) -> None:
    """A stream goes on past its token's expiry until its run is at rest; only the next request needs a fresh one."""
    script.go_on.clear()
    browser.headers.update(bearer(api_token))
    run_id, _ = await started(browser)
    await script.at_the_gate.wait()
    async with browser.stream("GET", f"/api/agent/runs/{run_id}/events") as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "id: 1"
        async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
            await admin.execute("update planwright.credentials set expires_at = now() where user_id = %s", (person.id,))
        heartbeats = 0
        async for line in lines:
            heartbeats += line == ": keep-alive"
            if heartbeats == 5:
                script.go_on.set()
            if '"type":"done"' in line:
                break
        else:
            pytest.fail("the stream ended before its run")
    assert refusal(await browser.get(STREAM)) == UNAUTHORIZED


@pytest.mark.usefixtures("quick")
async def test_a_database_that_is_away_ends_no_stream(
    browser: httpx.AsyncClient, api_token: str, script: ScriptedTurns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody can say whether the reader may read, the stream goes on."""
    asked = asyncio.Event()

    async def away(*_: object) -> bool:
        asked.set()
        raise DatabaseUnavailable

    monkeypatch.setattr(credentials, "still_holds", away)
    script.go_on.clear()
    browser.headers.update(bearer(api_token))
    run_id, _ = await started(browser)
    async with browser.stream("GET", f"/api/agent/runs/{run_id}/events") as response:
        reading = asyncio.ensure_future(response.aread())
        await asked.wait()
        script.go_on.set()
        assert b'"type":"done"' in await reading
