"""`planwright runs`: the newest runs, one a line."""

from datetime import timedelta

import typer

from persistence.runs import runs
from persistence.runs.runs import Run, RunStatus
from persistence.scope import Scope
from server.terminal.exits import ExitCode, perform
from server.terminal.printable import one_line
from server.terminal.settings import settings_or_usage
from server.terminal.standing import status_words
from server.terminal.stored import reading
from server.terminal.wording import duration

REQUEST_CHARS: int = 60


def run(limit: int, user: str | None) -> None:
    """List them."""
    perform(_list(limit, user))


async def _list(limit: int, user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        found = [(one, await _status(scope, one)) for one in await runs.newest(scope, limit)]
    width = max((len(status) for _, status in found), default=0)
    for one, status in found:
        typer.echo(_line(one, f"{status:<{width}}"))
    if not found:
        typer.echo("There are no runs yet. Begin with: planwright ask “What is overdue?”", err=True)
    return ExitCode.OK


async def _status(scope: Scope, one: Run) -> str:
    queued = one.status == RunStatus.QUEUED
    return status_words(one.status, await runs.queue_place(scope, one.id) if queued else 0)


def _line(one: Run, status: str) -> str:
    accepted = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    took = (
        ""
        if one.finished_at is None
        else duration(round((one.finished_at - one.created_at) / timedelta(milliseconds=1)))
    )
    tokens = one.prompt_tokens + one.completion_tokens
    how = f"{status}  {one.strategy or '':<8}  {took:>10}  {tokens:>7,} tokens"
    return f"{one.id}  {accepted}  {how}  {one_line(one.request, REQUEST_CHARS)}"
