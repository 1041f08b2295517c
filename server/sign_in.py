"""What a process needs to tell people apart: rules for tokens, keys, and a count of failures."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from persistence.lasting import lasting
from server.failures import Failures
from server.keys import KeySet
from server.tokens import Rules


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in here.

    Without `keys`, tokens are signed by the program's own key. `sign_up_zone` is
    the time zone of users who are made when an issuer vouches for them first;
    None makes nobody.
    """

    rules: Rules = field(default_factory=Rules)
    keys: KeySet | None = None
    sign_up_zone: str | None = None
    credential_key: bytes = field(default_factory=partial(secrets.token_bytes, 32), repr=False)
    failures: Failures = field(default_factory=Failures)


@asynccontextmanager
async def kept_fresh(keys: KeySet | None) -> AsyncGenerator[None]:
    """Have keys read again and again inside."""
    if keys is None:
        yield
        return
    task = lasting("refresh of keys", keys.keep_fresh)
    try:
        yield
    finally:
        task.cancel()
