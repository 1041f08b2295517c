"""`planwright chat`: one message after the other in one session."""

import sys
from uuid import UUID

import typer

from nodes.vocabulary.view import RunView
from server.client.sending import Approvals, Question
from server.terminal.backend import Backend, Reached
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.keyboard import typed_line
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(session_id: UUID | None, approvals: Approvals | None, by: Reached) -> None:
    """Talk until the person has nothing more to say, or leaves a decision to later."""
    perform(_chat(session_id, approvals, by))


async def _chat(session_id: UUID | None, approvals: Approvals | None, by: Reached) -> ExitCode:
    async with reached(by) as backend:
        while message := await next_message():
            view = await _answered(backend, asked(message, session_id, approvals))
            if view is not None and view.waiting is not None:
                return ExitCode.WAITS  # a further message would wait behind it
            if view is not None and view.session is not None:
                session_id = view.session.id
    return ExitCode.OK


def asked(message: str, session_id: UUID | None, approvals: Approvals | None) -> Question:
    """Return a message of the talk: the first opens its session, which keeps how it was opened."""
    return Question(message, session_id, approvals=approvals if session_id is None else None)


async def _answered(backend: Backend, question: Question) -> RunView | None:
    """Show the answer; a refusal is told, and the talk goes on."""
    try:
        watched = await watch(backend, backend.ask(question), as_json=False)
    except CommandFailed as failure:
        if failure.exit_code in {ExitCode.UNREACHABLE, ExitCode.NOT_SIGNED_IN}:
            raise
        typer.echo(f"planwright: {failure}", err=True)
        return None
    return watched.view


async def next_message() -> str:
    """Read a line from the person; an empty one, or the end of the input, ends the talk."""
    if sys.stdin.isatty():
        return await typed_line("you> ") or ""
    return sys.stdin.readline().strip()
