"""`planwright migrate`: bring roles and schema up to this release."""

import typer

from persistence.migrate import migrate
from server.terminal.exits import ExitCode, perform
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told
from server.wiring import database_server, installation_secret


def run() -> None:
    """Migrate, and print the files that ran."""
    perform(_migrate())


async def _migrate() -> ExitCode:
    settings = settings_or_usage()
    with failures_told(), database_server(settings) as dsn:
        ran = migrate(dsn, installation_secret(settings))
    for name in ran:
        typer.echo(f"ran {name}")
    if not ran:
        typer.echo("Nothing to do: every migration had run.")
    return ExitCode.OK
