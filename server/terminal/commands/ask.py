"""`planwright ask`: one message, watched to its end."""

from server.client.sending import Question
from server.terminal.backend import Reached
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.reach import reached
from server.terminal.watch import watch


def run(question: Question, by: Reached, *, as_json: bool) -> None:
    """Ask, and leave with the exit code of what came of it."""
    perform(_ask(question, by, as_json=as_json))


async def _ask(question: Question, by: Reached, *, as_json: bool) -> ExitCode:
    if question.session_id is not None and question.approvals is not None:
        raise CommandFailed(ExitCode.USAGE, "--approvals is for a new session; this one keeps how it was opened.")
    async with reached(by) as backend:
        watched = await watch(backend, backend.ask(question), as_json=as_json)
    return watched.exit_code
