"""`planwright user`: who may sign in, as the installation's administrator says."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from persistence import accounts
from persistence.accounts import Account, Accounts
from persistence.errors import SubjectTaken
from persistence.migrate import migrate
from server.settings import Settings, variable
from server.terminal.exits import CommandFailed, ExitCode, failing_in_one_line
from server.terminal.people import email_of
from server.terminal.printable import printable
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told
from server.tokens import is_subject
from server.wiring import database_server, installation_secret


def listed() -> None:
    """Print one line for each user, the newest first."""
    with _administering(settings_or_usage()) as held:
        for account in held.newest():
            typer.echo(_line(account))


def _line(account: Account) -> str:
    state = "may sign in" if account.disabled_at is None else "disabled"
    names = "  ".join(name for name in (account.email, account.subject) if name is not None)
    return f"{account.id}  {state:<11}  {printable(names)}"


def link(email: str, subject: str) -> None:
    """Let a subject of the issuer in as the user with that address."""
    settings = settings_or_usage()
    with _administering(settings) as held:
        if settings.jwt_issuer is None:
            raise CommandFailed(ExitCode.USAGE, f"{variable('jwt_issuer')} says whose subject it is; set it.")
        if not is_subject(subject):
            raise CommandFailed(ExitCode.USAGE, "A subject is 1 to 255 characters of ASCII, as a token has it.")
        try:
            held.link(email_of(email, settings), settings.jwt_issuer, subject, settings.time_zone)
        except SubjectTaken as error:
            raise CommandFailed(ExitCode.FAILED, str(error)) from None


def admit(user: str, *, admitted: bool) -> None:
    """Let a user in again, or shut them out; their open streams end within a minute."""
    with _administering(settings_or_usage()) as held:
        if not held.admit(user, admitted=admitted):
            raise CommandFailed(ExitCode.FAILED, "There is no such user. `planwright user list` lists them.")


@contextmanager
def _administering(settings: Settings) -> Generator[Accounts]:
    with failing_in_one_line(), failures_told(), database_server(settings) as dsn:
        secret = installation_secret(settings)
        migrate(dsn, secret)
        with accounts.administered(dsn, secret) as held:
            yield held
