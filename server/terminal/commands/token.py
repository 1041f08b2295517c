"""`planwright token`: API tokens, which are shown once and kept as digests."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import typer

from persistence.record import credentials
from persistence.record.credentials import ApiToken, Kind
from server.credentials import TOKEN_DAYS_MAX, TOKEN_NAME_MAX_CHARS, digest_of, mint
from server.scopes import Scope
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.printable import one_line
from server.terminal.settings import settings_or_usage
from server.terminal.stored import reading
from server.tokens import TokenLifetimeInvalid
from server.wiring import installation_secret


def new(email: str, days: int, name: str, scopes: Sequence[Scope]) -> None:
    """Print the token alone, so that a script can take it."""
    perform(_new(email, days, name, scopes))


def listed(user: str | None) -> None:
    """Print one line for each token, the newest first."""
    perform(_listed(user))


def revoke(token_id: UUID, user: str | None) -> None:
    """Make a token, and the sessions that were opened with it, good for nothing from now on."""
    perform(_revoke(token_id, user))


async def _new(email: str, days: int, name: str, scopes: Sequence[Scope]) -> ExitCode:
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise CommandFailed(ExitCode.USAGE, str(TokenLifetimeInvalid(TOKEN_DAYS_MAX)))
    if len(name) > TOKEN_NAME_MAX_CHARS:
        raise CommandFailed(ExitCode.USAGE, f"A name has at most {TOKEN_NAME_MAX_CHARS} characters.")
    settings = settings_or_usage()
    token = mint(installation_secret(settings).credential_key(), Kind.TOKEN)
    async with reading(settings, email) as scope:
        await credentials.add(scope, Kind.TOKEN, digest_of(token), scopes, timedelta(days=days), name)
    typer.echo(token)
    return ExitCode.OK


async def _listed(user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        tokens = await credentials.tokens(scope)
    for token in tokens:
        typer.echo(_line(token))
    return ExitCode.OK


def _line(token: ApiToken) -> str:
    used = "never used" if token.last_used_at is None else f"used {_minute(token.last_used_at)}"
    scopes, name = ",".join(token.scopes), one_line(token.name, TOKEN_NAME_MAX_CHARS)
    return f"{token.id}  until {_minute(token.expires_at)}  {used}  {scopes}  {name}".rstrip()


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


async def _revoke(token_id: UUID, user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        if not await credentials.remove(scope, token_id):
            advice = "`planwright token list` lists yours, with --user those of somebody else."
            raise CommandFailed(ExitCode.FAILED, f"There is no token {token_id}. {advice}")
    return ExitCode.OK
