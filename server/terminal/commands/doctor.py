"""`planwright doctor`: check the installation, and name one next step for each failure."""

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import typer

from persistence.checkup import examine
from persistence.errors import PersistenceError
from server.settings import Settings
from server.terminal.checks import Finding, Verdict, database_findings, dependency_findings, tracing_findings
from server.terminal.exits import ExitCode, perform
from server.terminal.model_check import model_finding
from server.terminal.printable import printable
from server.terminal.server_check import server_finding
from server.terminal.settings import settings_or_usage
from server.terminal.sign_in_check import sign_in_finding
from server.wiring import database_server, installation_secret


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
    for finding in (*tracing_findings(os.environ), *dependency_findings()):
        yield finding


def _of_database(settings: Settings) -> list[Finding]:
    place = "the embedded PostgreSQL" if settings.database_url is None else "PLANWRIGHT_DATABASE_URL"
    try:
        with database_server(settings) as dsn:
            facts = examine(dsn, installation_secret(settings))
    except PersistenceError as error:
        named = "Start that server, or unset PLANWRIGHT_DATABASE_URL to use the embedded one."
        step = f"Read the log in {settings.data_dir}." if settings.database_url is None else named
        return [Finding(Verdict.FAILED, "database", f"{place}: {error}", step)]
    reached = Finding(Verdict.OK, "database", f"{place} answers")
    return [reached, *database_findings(facts, datetime.now(UTC))]
