"""The `users` table: whom an issuer means."""

import asyncio
from uuid import uuid4

import psycopg

from persistence.pools import Database
from persistence.record import users
from persistence.scope import Identity, Role

NOBODY = Identity(uuid4())
ISSUER = "https://issuer.example"


async def test_who_comes_first_at_once_is_one_user(database: Database, admin_dsn: str) -> None:
    """A first request that meets another one of the same subject waits for it, and is let in as the same user."""
    subject = uuid4().hex
    async with database.acting(Role.API, NOBODY) as first:
        made = await users.sign_up_subject(first, ISSUER, subject, "UTC")
        second = asyncio.create_task(signed_up(database, subject))
        await until_somebody_waits(admin_dsn)
    assert made is not None
    assert await second == made


async def signed_up(database: Database, subject: str) -> object:
    """Sign the subject up, after a look that finds nobody."""
    async with database.acting(Role.API, NOBODY) as scope:
        assert await users.of_subject(scope, ISSUER, subject) is None
        return await users.sign_up_subject(scope, ISSUER, subject, "UTC")


async def until_somebody_waits(admin_dsn: str) -> None:
    """Wait until a statement of the API waits for another transaction."""
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        waiting = 0
        while not waiting:
            row = await (
                await admin.execute(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and usename = 'planwright_api' and wait_event_type = 'Lock'"
                )
            ).fetchone()
            assert row is not None
            [waiting] = row


async def test_subjects_are_told_apart_by_their_issuer(database: Database) -> None:
    """One subject of two issuers is two users, and neither is found for the other."""
    subject = uuid4().hex
    async with database.acting(Role.API, NOBODY) as scope:
        ours = await users.sign_up_subject(scope, ISSUER, subject, "UTC")
        assert await users.of_subject(scope, "https://other.example", subject) is None
        theirs = await users.sign_up_subject(scope, "https://other.example", subject, "UTC")
        assert ours not in {theirs, None}
        assert await users.of_subject(scope, ISSUER, subject) == ours
        assert await users.sign_up_subject(scope, ISSUER, subject, "UTC") == ours
