"""An issuer of tokens: its keys, and an endpoint that publishes them, or answers as a test says."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurve, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from server.keys import KeySet
from server.sign_in import SignIn
from server.tokens import Rules

NAME: Final = "https://issuer.example"
AUDIENCE: Final = "planwright"
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
HOUR: Final = 3600
RSA_2048: Final = rsa_key(65537, 2048)  # made once, since it takes a while
RSA_1024: Final = rsa_key(65537, 1024)  # noqa: S505 - the one that is to be refused

Private = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def ec_key(curve: EllipticCurve | None = None) -> EllipticCurvePrivateKey:
    """Return a new key on a curve, P-256 unless another is named."""
    return elliptic_key(curve or SECP256R1())


def published(key: Private, key_id: str, **more: object) -> dict[str, object]:
    """Return the public half of a key as an endpoint publishes it."""
    if isinstance(key, RSAPrivateKey):
        held = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, Ed25519PrivateKey):
        held = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        held = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**held, "kid": key_id, **more}


def set_of(*keys: Mapping[str, object]) -> bytes:
    """Return a set of keys as it is sent."""
    return json.dumps({"keys": [*keys]}).encode()


def response(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """Return an HTTP response."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n".encode() + body


@dataclass
class Issuer:
    """An issuer with one key of each kind; `asked` counts the requests to its endpoint."""

    keys: dict[str, Private] = field(
        default_factory=lambda: {"rsa": RSA_2048, "ec": ec_key(), "ed": Ed25519PrivateKey.generate()}
    )
    answer: Answer | None = None
    asked: int = 0
    url: str = ""

    def token(
        self,
        key_id: str = "ec",
        algorithm: str | None = None,
        claims: Mapping[str, object] = MappingProxyType({}),
        headers: Mapping[str, object] = MappingProxyType({}),
    ) -> str:
        """Return a token as an honest issuer makes them, with some claims and headers replaced; None takes one away."""
        now = time.time()
        usual = {"iss": NAME, "aud": AUDIENCE, "sub": uuid4().hex, "iat": now, "exp": now + HOUR, **claims}
        said = {name: value for name, value in usual.items() if value is not None}
        head = {name: value for name, value in {"kid": key_id, **headers}.items() if value is not None}
        named = algorithm or {"rsa": "RS256", "ed": "EdDSA"}.get(key_id, "ES256")
        return jwt.PyJWS().encode(json.dumps(said).encode(), self.keys[key_id], named, head)

    def sign_in(self, sign_up_zone: str | None = None) -> SignIn:
        """Return how people sign in whom this issuer vouches for."""
        return SignIn(Rules(ALGORITHMS, NAME, AUDIENCE), KeySet(self.url, ALGORITHMS), sign_up_zone)

    def published(self) -> bytes:
        """Return the set of its keys."""
        return set_of(*(published(key, key_id) for key_id, key in self.keys.items()))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.asked += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            if self.answer is None:
                writer.write(response(self.published()))
            else:
                await self.answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def issuing() -> AsyncGenerator[Issuer]:
    """Give an issuer whose endpoint answers."""
    issuer = Issuer()
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    issuer.url = f"http://{host}:{port}/keys"
    try:
        yield issuer
    finally:
        server.close()


def says(body: bytes, status: str = "200 OK", headers: str = "") -> Answer:
    """Return an endpoint that answers with this."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(response(body, status, headers))

    return answer


async def trickles(writer: asyncio.StreamWriter) -> None:
    """Answer one byte at a time, without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def sends_50_mb(writer: asyncio.StreamWriter) -> None:
    """Answer with 50 MB, as fast as they are taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(800):
        writer.write(b" " * 65_536)
        await writer.drain()


async def says_nothing(writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    while not writer.is_closing():
        await asyncio.sleep(0.01)
        writer.write(b"")
        if writer.transport.is_closing():
            return


async def hangs_up(writer: asyncio.StreamWriter) -> None:
    """Close the connection in the middle of the answer."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"keys": [')
