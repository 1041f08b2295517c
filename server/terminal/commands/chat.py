"""`planwright chat`: one message after the other in one session."""

import sys
from uuid import UUID

import typer

from server.terminal.backend import Backend, Question, Reached
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(session_id: UUID | None, by: Reached) -> None:
    """Talk until the person has nothing more to say."""
    perform(_chat(session_id, by))


async def _chat(session_id: UUID | None, by: Reached) -> ExitCode:
    async with reached(by) as backend:
        while message := next_message():
            session_id = await _answered(backend, Question(message, session_id)) or session_id
    return ExitCode.OK


async def _answered(backend: Backend, question: Question) -> UUID | None:
    """Show the answer; a refusal is told, and the talk goes on."""
    try:
        watched = await watch(backend, backend.ask(question), as_json=False)
    except CommandFailed as failure:
        if failure.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_SIGNED_IN}:
            raise
        typer.echo(f"planwright: {failure}", err=True)
        return None
    return None if watched.view.session is None else watched.view.session.id


def next_message() -> str:
    """Read a line from the person; an empty one, or the end of the input, ends the talk.

    It blocks the loop, which has nothing to do between two runs.
    """
    if sys.stdin.isatty():
        typer.echo("you> ", nl=False, err=True)
    return sys.stdin.readline().strip()
