"""`planwright token new`: a bearer token for somebody."""

import typer

from persistence.record import users
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.settings import settings_or_usage
from server.terminal.stored import reading
from server.tokens import TokenLifetimeInvalid, issue_token
from server.wiring import token_key


def run(email: str, days: int) -> None:
    """Print the token alone, so that a script can take it."""
    perform(_issue(email, days))


async def _issue(email: str, days: int) -> ExitCode:
    settings = settings_or_usage()
    async with reading(settings, email) as scope:
        person = await users.me(scope)
        key = token_key(settings)
    assert person is not None, "the scope acts in this person's name"
    try:
        token = issue_token(key, person.id, days)
    except TokenLifetimeInvalid as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from None
    typer.echo(token)
    return ExitCode.OK
