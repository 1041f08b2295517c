"""`planwright token new`: a bearer token for somebody."""

import typer

from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.local import record_of
from server.terminal.settings import settings_or_usage
from server.tokens import TokenLifetimeInvalid, issue_token
from server.wiring import token_key


def run(email: str, days: int) -> None:
    """Print the token alone, so that a script can take it."""
    perform(_issue(email, days))


async def _issue(email: str, days: int) -> ExitCode:
    settings = settings_or_usage()
    async with record_of(settings, email) as (_, user_id):
        key = token_key(settings)
    try:
        token = issue_token(key, user_id, days)
    except TokenLifetimeInvalid as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from None
    typer.echo(token)
    return ExitCode.OK
