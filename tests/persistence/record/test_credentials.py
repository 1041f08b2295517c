"""The `credentials` table, as the program's logins see it."""

from datetime import timedelta
from typing import LiteralString
from uuid import uuid4

import pytest

from persistence.pools import Database
from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.scope import Identity, Role
from tests.conftest import Person


@pytest.mark.parametrize(
    "statement",
    [
        "select digest from credentials",
        "select * from credentials",
        "update credentials set expires_at = now() + interval '1 year'",
        "update credentials set scopes = array['admin']",
        "update users set disabled_at = null",
        "update users set subject = 'somebody', issuer = 'x'",
    ],
)
@pytest.mark.parametrize("role", Role)
async def test_no_login_reads_a_digest_or_widens_a_right(
    database: Database, person: Person, role: Role, statement: LiteralString
) -> None:
    """Digests are looked up by the owner's function alone, and what was handed out is never changed."""
    with pytest.raises(Exception, match=r"permission denied|read-only"):
        async with database.acting(role, person.identity) as scope:
            await scope.execute(statement)


@pytest.mark.parametrize("role", [Role.WORKER, Role.EXECUTOR])
@pytest.mark.parametrize(
    "call",
    [
        "select holder_of('token', '')",
        "select open_session('', '', interval '1 day')",
        "select user_of_subject('a', 'b')",
        "select sign_up_subject('a', 'b', 'UTC')",
        "select id from credentials",
    ],
)
async def test_signing_in_is_for_the_api_alone(
    database: Database, person: Person, role: Role, call: LiteralString
) -> None:
    """Who works on a run signs nobody in and sees no credential."""
    with pytest.raises(Exception, match="permission denied"):
        async with database.acting(role, person.identity) as scope:
            await scope.execute(call)


async def test_a_credential_is_seen_and_removed_by_its_owner_alone(
    database: Database, person: Person, stranger: Person
) -> None:
    """A stranger's list is empty, and a stranger removes nothing."""
    digest = uuid4().bytes * 2
    async with database.acting(Role.API, person.identity) as scope:
        token = await credentials.add(scope, Kind.TOKEN, digest, ["read"], timedelta(days=1), "laptop")
    async with database.acting(Role.API, stranger.identity) as scope:
        assert await credentials.tokens(scope) == []
        assert not await credentials.remove(scope, token)
        assert not await credentials.still_holds(scope, token)
    async with database.acting(Role.API, Identity(uuid4())) as scope:
        held = await credentials.holder(scope, Kind.TOKEN, digest)
        assert held is not None
        assert (held.user_id, held.credential_id, held.scopes) == (person.id, token, ["read"])
    async with database.acting(Role.API, person.identity) as scope:
        assert [one.name for one in await credentials.tokens(scope)] == ["laptop"]
        assert await credentials.still_holds(scope, token)
        assert await credentials.remove(scope, token)
        assert not await credentials.still_holds(scope, token)
        assert await credentials.still_holds(scope, None)


async def test_what_has_expired_is_removed_by_the_next(database: Database, person: Person) -> None:
    """Nothing piles up: a new credential takes the user's expired ones away."""
    async with database.acting(Role.API, person.identity) as scope:
        for number in range(5):
            await credentials.add(scope, Kind.LINK, uuid4().bytes * 2, ["read"], timedelta(seconds=-number - 1))
        await credentials.add(scope, Kind.TOKEN, uuid4().bytes * 2, ["read"], timedelta(days=1))
        assert await scope.value(int, "select count(*) from credentials") == 1
