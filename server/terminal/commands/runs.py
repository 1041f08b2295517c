"""`planwright runs`: the newest runs, one a line."""

from datetime import timedelta

import typer

from persistence.runs import runs
from persistence.runs.runs import Run
from server.terminal.exits import ExitCode, perform
from server.terminal.printable import one_line
from server.terminal.settings import settings_or_usage
from server.terminal.stored import reading
from server.terminal.wording import duration

REQUEST_CHARS: int = 60


def run(limit: int, user: str | None) -> None:
    """List them."""
    perform(_list(limit, user))


async def _list(limit: int, user: str | None) -> ExitCode:
    async with reading(settings_or_usage(), user) as scope:
        found = await runs.newest(scope, limit)
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("There are no runs yet. Begin with: planwright ask “What is overdue?”", err=True)
    return ExitCode.OK


def _line(one: Run) -> str:
    accepted = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    took = (
        ""
        if one.finished_at is None
        else duration(round((one.finished_at - one.created_at) / timedelta(milliseconds=1)))
    )
    tokens = one.prompt_tokens + one.completion_tokens
    how = f"{one.status:<9}  {one.strategy or '':<8}  {took:>10}  {tokens:>7,} tokens"
    return f"{one.id}  {accepted}  {how}  {one_line(one.request, REQUEST_CHARS)}"
