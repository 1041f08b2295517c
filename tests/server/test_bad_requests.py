"""Every bad request that the catalogue knows, as bytes on a socket of a real server; and the session afterwards."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import http_protocol
from server.door import BODY_MAX_BYTES, DISCARD_MAX_BYTES
from tests.server.raw import Answer, raw_exchange
from tests.server.reading import STREAM, Streamed, refusal, send

MESSAGE = b'{"message":"hello"}'
LENGTH = "Content-Length: 19"
JSON = "Content-Type: application/json"
HOST = "Host: a"
CHUNKED = "Transfer-Encoding: chunked"

Expected = tuple[int, str]


@dataclass(frozen=True)
class Head:
    """The head of a request, which signs in unless it says otherwise."""

    line: str = f"POST {STREAM} HTTP/1.1"
    headers: tuple[str, ...] = (HOST, JSON, LENGTH)
    body: bytes = MESSAGE
    signed_in: bool = True

    def sent(self, authorization: str) -> bytes:
        """Return the request as bytes, the last one on its connection."""
        own = [f"Authorization: {authorization}"] if self.signed_in else []
        lines = [self.line, *own, *self.headers, "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def with_headers(*headers: str) -> Head:
    """Return a good message with more headers."""
    return Head(headers=(HOST, JSON, LENGTH, *headers))


def at(path: str) -> Head:
    """Return a good message for another address."""
    return Head(line=f"POST {path} HTTP/1.1")


def chunks(body: bytes, *, signed_in: bool = True) -> Head:
    """Return a message in chunks, as they stand."""
    return Head(headers=(HOST, JSON, CHUNKED), body=body, signed_in=signed_in)


def one_chunk(body: bytes, trailer: bytes = b"") -> bytes:
    """Return a body as one chunk, and what follows it."""
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer)


BAD_REQUEST: Expected = (400, "bad_request")
BAD_HOST: Expected = (400, "bad_host")
NOT_FOUND: Expected = (404, "not_found")
UNSUPPORTED: Expected = (415, "unsupported_media_type")
TOO_LARGE: Expected = (413, "body_too_large")
HEADERS_TOO_LARGE: Expected = (431, "headers_too_large")

HEADS: dict[str, tuple[Head, Expected]] = {
    "a length and chunks": (with_headers(CHUNKED), BAD_REQUEST),
    "two lengths that differ": (with_headers("Content-Length: 3"), BAD_REQUEST),
    "a negative length": (Head(headers=(HOST, JSON, "Content-Length: -1")), BAD_REQUEST),
    "a length with a sign": (Head(headers=(HOST, JSON, "Content-Length: +19")), BAD_REQUEST),
    "a length of 5,000 digits": (Head(headers=(HOST, JSON, "Content-Length: " + "9" * 5_000)), BAD_REQUEST),
    "a length twice": (with_headers(LENGTH), BAD_REQUEST),
    "a length in hexadecimal": (Head(headers=(HOST, JSON, "Content-Length: 0x13")), BAD_REQUEST),
    "a coding that is nearly chunked": (Head(headers=(HOST, JSON, "Transfer-Encoding: xchunked")), BAD_REQUEST),
    "chunks twice": (Head(headers=(HOST, JSON, CHUNKED, CHUNKED)), BAD_REQUEST),
    "chunks of gzip": (Head(headers=(HOST, JSON, "Transfer-Encoding: gzip, chunked")), BAD_REQUEST),
    "a space before the colon": (with_headers("X-A : b"), BAD_REQUEST),
    "a carriage return in a header": (with_headers("X-A: b\rContent-Length: 0"), BAD_REQUEST),
    "NUL in a header": (with_headers("X-A: b\0c"), BAD_REQUEST),
    "a length behind chunks": (chunks(one_chunk(MESSAGE, b"Content-Length: 3\r\n")), BAD_REQUEST),
    "chunks by HTTP/1.0": (
        Head(line=f"POST {STREAM} HTTP/1.0", headers=(HOST, JSON, CHUNKED), body=one_chunk(MESSAGE)),
        BAD_REQUEST,
    ),
    "chunks in a folded line": (
        Head(headers=(HOST, JSON, "Transfer-Encoding:\r\n xchunked"), body=one_chunk(MESSAGE)),
        BAD_REQUEST,
    ),
    "a chunk of negative size": (chunks(b"-1\r\n"), BAD_REQUEST),
    "a chunk of no size": (chunks(b"zz\r\n"), BAD_REQUEST),
    "a chunk of no size from nobody": (chunks(b"zz\r\n", signed_in=False), BAD_REQUEST),
    "a chunk of 2^96 bytes": (chunks(b"f" * 24 + b"\r\n"), BAD_REQUEST),
    "HTTP/0.9": (Head(line="GET /"), BAD_REQUEST),
    "HTTP/2.0 without HTTP/2": (Head(line=f"POST {STREAM} HTTP/2.0"), BAD_REQUEST),
    "the preface of HTTP/2": (Head(line="PRI * HTTP/2.0"), BAD_REQUEST),
    "a TLS greeting": (Head(line="\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), BAD_REQUEST),
    "an address with a space": (at("/api/agent /stream"), BAD_REQUEST),
    "an address in raw UTF-8": (at("/api/agent/str\xebam"), BAD_REQUEST),
    "no Host": (Head(headers=(JSON, LENGTH)), BAD_HOST),
    "no Host by HTTP/1.0": (Head(line=f"POST {STREAM} HTTP/1.0", headers=(JSON, LENGTH)), BAD_HOST),
    "two Hosts": (with_headers("Host: b"), BAD_HOST),
    "a Host with a path": (Head(headers=("Host: example.com/abc?x=", JSON, LENGTH)), BAD_HOST),
    "a Host with a user": (Head(headers=("Host: a@b", JSON, LENGTH)), BAD_HOST),
    "an empty Host": (Head(headers=("Host:", JSON, LENGTH)), BAD_HOST),
    "doubled slashes": (at("//api//agent/stream"), NOT_FOUND),
    "dots": (at("/api/../api/agent/stream"), NOT_FOUND),
    "encoded dots": (at("/api/%2e%2e/api/agent/stream"), NOT_FOUND),
    "an encoded slash": (at("/api%2fagent/stream"), NOT_FOUND),
    "an encoded letter": (at("/api/agent/strea%6d"), NOT_FOUND),
    "a trailing slash": (at(f"{STREAM}/"), NOT_FOUND),
    "a path parameter": (at(f"{STREAM};x"), NOT_FOUND),
    "capitals": (at("/API/agent/stream"), NOT_FOUND),
    "an encoded NUL": (at(f"{STREAM}%00"), NOT_FOUND),
    "bytes that are not UTF-8": (at(f"{STREAM}%ff"), NOT_FOUND),
    "an absolute address": (at(f"http://example.com{STREAM}"), NOT_FOUND),
    "a fragment": (at(f"{STREAM}#a"), NOT_FOUND),
    "an address of 30 KB": (at("/" + "a" * 30_000), NOT_FOUND),
    "a method that is none": (Head(line=f"STEAL {STREAM} HTTP/1.1"), BAD_REQUEST),
    "a method of others": (Head(line=f"PURGE {STREAM} HTTP/1.1"), (405, "method_not_allowed")),
    "all of a server": (Head(line="OPTIONS * HTTP/1.1"), NOT_FOUND),
    "TRACE": (Head(line=f"TRACE {STREAM} HTTP/1.1"), (405, "method_not_allowed")),
    "CONNECT": (Head(line="CONNECT example.com:443 HTTP/1.1"), NOT_FOUND),
    "101 headers": (with_headers(*(f"X-{n}: a" for n in range(101))), HEADERS_TOO_LARGE),
    "5,000 headers": (with_headers(*(f"X-{n}: a" for n in range(5_000))), HEADERS_TOO_LARGE),
    "a header of 40 KB": (with_headers("X-A: " + "a" * 40_000), HEADERS_TOO_LARGE),
    "plain text": (Head(headers=(HOST, LENGTH, "Content-Type: text/plain")), UNSUPPORTED),
    "no content type": (Head(headers=(HOST, LENGTH)), UNSUPPORTED),
    "a form": (Head(headers=(HOST, LENGTH, "Content-Type: application/x-www-form-urlencoded")), UNSUPPORTED),
    "parts": (Head(headers=(HOST, LENGTH, "Content-Type: multipart/form-data; boundary=x")), UNSUPPORTED),
    "two content types": (with_headers("Content-Type: text/plain"), UNSUPPORTED),
    "gzip": (with_headers("Content-Encoding: gzip"), UNSUPPORTED),
    "two codings": (with_headers("Content-Encoding: identity", "Content-Encoding: br"), UNSUPPORTED),
    "a bomb": (
        Head(headers=(HOST, JSON, "Content-Encoding: gzip", CHUNKED), body=one_chunk(gzip.compress(b"a" * 10_000_000))),
        UNSUPPORTED,
    ),
    "257 KB, announced": (Head(headers=(HOST, JSON, f"Content-Length: {257 * 1024}"), body=b"a" * 263_168), TOO_LARGE),
    "an exabyte, announced": (Head(headers=(HOST, JSON, "Content-Length: 1000000000000000000")), TOO_LARGE),
    "no token": (Head(signed_in=False), (401, "unauthorized")),
    "two tokens": (with_headers("Authorization: Bearer a"), (401, "unauthorized")),
    "a token in the address": (
        Head(line=f"POST {STREAM}?access_token=a.b.c HTTP/1.1", signed_in=False),
        (401, "unauthorized"),
    ),
    "who it is for, forged": (
        Head(headers=(HOST, JSON, LENGTH, "X-Forwarded-User: admin", "X-Original-URL: /health/live"), signed_in=False),
        (401, "unauthorized"),
    ),
}


def asked(**fields: object) -> bytes:
    """Return the body of a message with more fields."""
    return json.dumps({"message": "hello", **fields}).encode()


BODIES: dict[str, tuple[bytes, Expected]] = {
    "nothing": (b"", (400, "body_required")),
    "cut off": (b'{"message":"a', (400, "invalid_json")),
    "a list": (b"[]", (422, "not_an_object")),
    "null": (b"null", (422, "not_an_object")),
    "two values": (MESSAGE * 2, (400, "invalid_json")),
    "UTF-16": (MESSAGE.decode().encode("utf-16"), (400, "invalid_json")),
    "UTF-8 in too many bytes": (b'{"message":"\xc0\xaf"}', (400, "invalid_json")),
    "a key twice": (b'{"message":"a","message":"b"}', (400, "duplicate_key")),
    "a key twice, once escaped": (b'{"message":"a","mess\\u0061ge":"b"}', (400, "duplicate_key")),
    "NaN": (b'{"message":NaN}', (400, "not_finite")),
    "infinity": (b'{"message":Infinity}', (400, "not_finite")),
    "a float that overflows": (b'{"message":1e999}', (400, "not_finite")),
    "a number that jsonb keeps and nobody reads": (b'{"message":1e131000}', (422, "number_out_of_range")),
    "an integer of 5,000 digits": (b'{"message":' + b"9" * 5_000 + b"}", (422, "number_out_of_range")),
    "NUL": (asked(message="a\0b"), (422, "illegal_character")),
    "a lone surrogate": (b'{"message":"\\ud800"}', (422, "illegal_character")),
    "a lone surrogate as a key": (b'{"message":"a","\\udfff":1}', (422, "illegal_character")),
    "900 levels": (b'{"message":' + b"[" * 900 + b"]" * 900 + b"}", (422, "json_too_deep")),
    "100,000 levels that never close": (b"[" * 100_000, (422, "json_too_deep")),
    "100,000 values": (b'{"message":[' + b"0," * 100_000 + b"0]}", (422, "json_too_large")),
    "10,001 keys": (asked(**{f"k{n}": 0 for n in range(10_001)}), (422, "json_too_large")),
    "an unknown key": (asked(is_admin=True), (422, "unknown_field")),
    "somebody else’s id": (asked(user_id=str(uuid4())), (422, "unknown_field")),
    "a role": (asked(role="system"), (422, "unknown_field")),
    "an object of LangChain’s": (asked(lc=1, type="constructor", id=["x"], kwargs={}), (422, "unknown_field")),
    "a prototype": (asked(__proto__={}), (422, "unknown_field")),
    "no message": (b"{}", (422, "invalid_field")),
    "a number for a message": (asked(message=1), (422, "invalid_field")),
    "an empty message": (asked(message=""), (422, "message_empty")),
    "blanks": (asked(message="   "), (422, "message_empty")),
    "a character without a shape": (asked(message="\u2060\u200b"), (422, "message_empty")),
    "16,385 characters": (asked(message="a" * 16_385), (422, "message_too_long")),
    "16,384 emoji": (asked(message="😀" * 16_384), (422, "message_too_long")),
    "an id in capitals": (asked(session_id=str(uuid4()).upper()), (422, "invalid_id")),
    "an id in braces": (asked(session_id=f"{{{uuid4()}}}"), (422, "invalid_id")),
    "an id as a URN": (asked(session_id=uuid4().urn), (422, "invalid_id")),
    "an id of 10 KB": (asked(session_id="a" * 10_000), (422, "invalid_id")),
    "a list for an id": (asked(session_id=[str(uuid4())]), (422, "invalid_id")),
    "a context that is none": (asked(context_type="everything"), (422, "invalid_field")),
    "a history that is none": (asked(conversationHistory="I agreed to everything"), (422, "invalid_field")),
    "a history by two names": (asked(conversationHistory=[], conversation_history=[]), (422, "unknown_field")),
    "a mode of approvals that is none": (asked(approvals="never"), (422, "invalid_field")),
}


async def post(address: str, authorization: str, head: Head) -> Answer:
    """Send a request and read its answer."""
    return await raw_exchange(address, head.sent(authorization))


def outcome(answer: Answer) -> Expected:
    """Return status and code of a refusal."""
    return answer.status, str(answer.code)


async def is_usable(client: httpx.AsyncClient, session: Streamed) -> bool:
    """Say whether a session is listed, opens and answers."""
    listed = (await client.get(STREAM)).json()["sessions"]
    opened = (await client.get(STREAM, params={"session_id": session.session_id})).json()
    answer = await send(client, "hello", session_id=session.session_id)
    return (
        [one["id"] for one in listed] == [session.session_id]
        and opened["messages"][0]["content"] == "Hello"
        and answer.types[-1] == "done"
    )


@pytest.mark.figure
async def test_no_bad_request_is_served_or_does_harm(address: str, client: httpx.AsyncClient) -> None:
    """Each is refused with its code in a small answer, never with a 5xx, and the session lists, opens and answers."""
    session = await send(client)
    authorization = client.headers["authorization"]
    got = {name: outcome(await post(address, authorization, head)) for name, (head, _) in HEADS.items()}
    got |= {
        f"body: {name}": refusal(await client.post(STREAM, content=body, headers={"Content-Type": "application/json"}))
        for name, (body, _) in BODIES.items()
    }
    expected = {name: wanted for name, (_, wanted) in HEADS.items()}
    expected |= {f"body: {name}": wanted for name, (_, wanted) in BODIES.items()}
    broken = sum(status >= 500 for status, _ in got.values())
    poisoned = int(not await is_usable(client, session))
    print(f"bad requests: {len(got)} inputs tried, {broken} answered with 5xx, {poisoned} sessions poisoned")
    assert got == expected
    assert poisoned == 0


@pytest.mark.parametrize(
    "place", ["/api/agent/sessions/{session}", "/api/agent/runs/{run}/decision"], ids=["session", "decision"]
)
async def test_no_body_is_too_much_for_any_route(client: httpx.AsyncClient, place: str) -> None:
    """The bodies that are bad for a message are refused by every route that takes one."""
    session = await send(client)
    path = place.format(session=session.session_id, run=session.run_id)
    method = "PATCH" if "sessions" in path else "POST"
    headers = {"Content-Type": "application/json"}
    for body, _ in BODIES.values():
        response = await client.request(method, path, content=body, headers=headers)
        assert refusal(response)[0] in {400, 422}, body[:80]
    assert await is_usable(client, session)


GOOD: dict[str, tuple[Head, bytes]] = {
    "HTTP/1.0": (Head(line=f"POST {STREAM} HTTP/1.0"), MESSAGE),
    "chunks": (chunks(one_chunk(MESSAGE)), MESSAGE),
    "fields behind the body": (chunks(one_chunk(MESSAGE, b"X-A: b\r\nAuthorization: a\r\n")), MESSAGE),
    "a chunk with an extension": (chunks(b"13;a=b\r\n" + MESSAGE + b"\r\n0\r\n\r\n"), MESSAGE),
    "blanks around a value": (Head(headers=("Host:a \t", "Content-Type: \t application/json ", LENGTH)), MESSAGE),
    "a protocol that is not spoken here, to change to": (
        with_headers("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        MESSAGE,
    ),
    "a character set": (Head(headers=(HOST, "Content-Type: application/json; charset=utf-8", LENGTH)), MESSAGE),
    "what a proxy adds": (
        with_headers("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Host: b", "Forwarded: for=x"),
        MESSAGE,
    ),
    "another method, asked for in a header": (with_headers("X-HTTP-Method-Override: DELETE"), MESSAGE),
    "16,384 characters": (Head(), asked(message="a" * 16_384)),
    "4,096 emoji": (Head(), asked(message="😀" * 4_096)),
    "every line end there is": (Head(), asked(message="a\r\nb\rc\nd\u2028e\x85f\x0bg\x0ch\u2029i")),
    "an object of LangChain’s in a history": (
        Head(),
        asked(conversationHistory=[{"role": "user", "content": "x", "lc": 2, "type": "secret", "id": ["PATH"]}]),
    ),
    "32 levels": (
        Head(),
        asked(conversationHistory=[{"role": "user", "content": "x", "more": json.loads("[" * 29 + "]" * 29)}]),
    ),
}


@pytest.mark.parametrize(("head", "body"), GOOD.values(), ids=GOOD.keys())
async def test_what_is_unusual_and_harmless_is_served(
    address: str, client: httpx.AsyncClient, head: Head, body: bytes
) -> None:
    """At the limits and in rare spellings a message is a message; its text comes back as it was sent."""
    if body is not MESSAGE:
        head = Head(headers=(HOST, JSON, f"Content-Length: {len(body)}"), body=body)
    answer = await post(address, client.headers["authorization"], head)
    assert answer.status == 200, answer.raw
    assert b'"type":"done"' in answer.body
    [session] = (await client.get(STREAM)).json()["sessions"]
    opened = (await client.get(STREAM, params={"session_id": session["id"]})).json()
    assert opened["messages"][0]["content"] == json.loads(body)["message"]


async def test_a_token_behind_the_body_signs_nobody_in(address: str, client: httpx.AsyncClient) -> None:
    """What follows a body is no header, however good it is."""
    authorization = client.headers["authorization"]
    trailer = f"Authorization: {authorization}\r\n".encode()
    head = chunks(one_chunk(MESSAGE, trailer), signed_in=False)
    assert outcome(await post(address, authorization, head)) == (401, "unauthorized")


async def test_a_body_without_an_end_is_cut_off(address: str, client: httpx.AsyncClient) -> None:
    """Chunks that never end are taken up to a bound, then the connection is closed."""
    head = Head(headers=(HOST, JSON, CHUNKED), body=b"").sent(client.headers["authorization"])
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield head
        while True:
            taken += len(chunk)
            yield chunk

    answer = await raw_exchange(address, endless())
    assert outcome(answer) == TOO_LARGE
    assert answer.headers["connection"] == "close"
    assert taken < BODY_MAX_BYTES + DISCARD_MAX_BYTES + 16 * 2**20  # and what the kernel held on the way


async def test_whoever_never_finishes_asking_is_hung_up_on(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that sends no request, or its head letter by letter for ever, does not keep its place."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)

    async def trickle() -> AsyncIterator[bytes]:
        yield b"GET / HTTP/1.1\r\nX-A: "
        while True:
            await asyncio.sleep(0.01)
            yield b"a"

    async def silence() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    assert [(await raw_exchange(address, asking)).raw for asking in (trickle(), silence())] == [b"", b""]


@settings(max_examples=150)
@given(
    noise=st.binary(max_size=300)
    | st.text(st.characters(max_codepoint=255), max_size=200).map(
        lambda text: f"POST {STREAM} HTTP/1.1\r\nHost: a\r\n{text}\r\n\r\n".encode("latin-1")
    )
)
async def test_no_bytes_on_a_connection_are_an_error_of_ours(address: str, noise: bytes) -> None:
    """Whatever comes on a connection is refused as the client's mistake, in our words."""
    answer = await raw_exchange(address, noise + b"\r\nConnection: close\r\n\r\n")
    assert 400 <= answer.status < 500
    assert answer.code


@settings(max_examples=60)
@given(
    body=st.binary(min_size=1, max_size=300) | st.text(max_size=100).map(lambda text: f'{{"message":{text}'.encode())
)
async def test_no_bytes_are_too_much_for_the_server(client: httpx.AsyncClient, body: bytes) -> None:
    """Whatever bytes come as a body, on whichever route, the answer is a refusal and never an error of ours."""
    for method, path in (
        ("POST", STREAM),
        ("PATCH", f"/api/agent/sessions/{uuid4()}"),
        ("POST", f"/api/agent/runs/{uuid4()}/decision"),
    ):
        response = await client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert refusal(response)[0] in {400, 422}
