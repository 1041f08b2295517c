"""`planwright doctor`: check the installation, and name one next step for each failure."""

import asyncio
from collections.abc import AsyncGenerator

import typer

from persistence.errors import PersistenceError
from server.doctor.checks import Finding, Verdict
from server.doctor.doctor import of_process
from server.doctor.examination import of_database, place_of
from server.doctor.model_check import model_finding
from server.doctor.sign_in_check import sign_in_finding
from server.settings import Settings
from server.terminal.exits import ExitCode, perform
from server.terminal.printable import printable
from server.terminal.server_check import server_finding
from server.terminal.settings import settings_or_usage
from server.wiring import database_server


def run() -> None:
    """Print every finding; leave with 1 when one failed."""
    perform(_doctor())


async def _doctor() -> ExitCode:
    failed = False
    async for finding in _findings(settings_or_usage()):
        typer.echo(f"{finding.verdict:<6}  {finding.subject}: {printable(finding.text)}")
        if finding.next_step:
            typer.echo(f"        {printable(finding.next_step)}")
        failed = failed or finding.verdict is Verdict.FAILED
    return ExitCode.FAILED if failed else ExitCode.OK


async def _findings(settings: Settings) -> AsyncGenerator[Finding]:
    for finding in await asyncio.to_thread(_of_database, settings):
        yield finding
    yield await sign_in_finding(settings)
    yield await model_finding(settings.models)
    yield await server_finding(settings.server)
    for finding in await of_process():
        yield finding


def _of_database(settings: Settings) -> list[Finding]:
    try:
        with database_server(settings) as dsn:
            return of_database(settings, dsn)
    except PersistenceError as error:
        named = "Start that server, or unset PLANWRIGHT_DATABASE_URL to use the embedded one."
        step = f"Read the log in {settings.data_dir}." if settings.database_url is None else named
        return [Finding(Verdict.FAILED, "database", f"{place_of(settings)}: {error}", step)]
