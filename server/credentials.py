"""Credentials of our own making: API tokens, the page's sessions, one-time links.

Each is 256 random bits behind a prefix that says what it is for, with a mark that
only this installation can make. What has no such mark is refused without asking
the database, which keeps nothing but a SHA-256 digest of each.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from persistence.record.credentials import Kind

SECRET_BYTES: Final = 32
MARK_BYTES: Final = 10  # keeps guesses from the database; what protects a credential is its secret
TOKEN_DAYS_MAX: Final = 366  # longer than others may live: these can be revoked
TOKEN_DAYS_USUAL: Final = 7
TOKEN_NAME_MAX_CHARS: Final = 100
PREFIXES: Final[Mapping[Kind, str]] = MappingProxyType({Kind.TOKEN: "pwt_", Kind.SESSION: "pws_", Kind.LINK: "pwl_"})
_ENCODED: Final = re.compile(r"[A-Za-z0-9_-]{56}")


def mint(key: bytes, kind: Kind) -> str:
    """Return a new credential, for its holder's eyes only."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return PREFIXES[kind] + urlsafe_b64encode(secret + _mark(key, kind, secret)).decode()


def digest_of(text: str) -> bytes:
    """Return what is kept of a credential."""
    return hashlib.sha256(text.encode()).digest()


def is_ours(key: bytes, kind: Kind, text: str) -> bool:
    """Say whether a text is a credential of that kind which was made here, whether or not it is good still."""
    encoded = text.removeprefix(PREFIXES[kind])
    if encoded == text or _ENCODED.fullmatch(encoded) is None:
        return False
    held = urlsafe_b64decode(encoded)
    return hmac.compare_digest(held[SECRET_BYTES:], _mark(key, kind, held[:SECRET_BYTES]))


def _mark(key: bytes, kind: Kind, secret: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + secret, "sha256")[:MARK_BYTES]
