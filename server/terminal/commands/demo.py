"""`planwright demo`: one request on a workspace that is there to be tried out."""

import shlex
import shutil
import sys
from typing import Final

import typer

from server.client.sending import Question
from server.terminal.exits import ExitCode, perform
from server.terminal.local import opened_here
from server.terminal.people import DEMO
from server.terminal.settings import settings_or_usage
from server.terminal.watch import watch

REQUEST: Final = "Help me organize my project tasks for next week"
ABOUT: Final = """\
A demo workspace around today: 4 projects, 40 tasks, notes, brain dumps and a calendar.
You ask: “{request}”
"""
OFFLINE: Final = """\
The built-in offline model answers: rules, not a language model. Set PLANWRIGHT_MODEL_BASE_URL,
PLANWRIGHT_MODEL_API_KEY and PLANWRIGHT_PLANNER_MODEL to have a language model answer instead.
"""
NEXT: Final = """
Three things to try next:
  {program} ask "Schedule them" --user demo --session {session_id}
  {program} show {run_id} --user demo
  {program} serve --user demo
"""


def run() -> None:
    """Ask on the demo workspace, and say what to try next."""
    perform(_demo())


async def _demo() -> ExitCode:
    settings = settings_or_usage()
    async with opened_here(settings, DEMO) as backend:
        typer.echo(ABOUT.format(request=REQUEST) + (OFFLINE if settings.models is None else ""), err=True)
        watched = await watch(backend, backend.ask(Question(REQUEST)), as_json=False)
    if watched.view.session is not None:
        session_id = watched.view.session.id
        typer.echo(NEXT.format(program=_program(), run_id=watched.view.run_id, session_id=session_id), err=True)
    return watched.exit_code


def _program() -> str:
    """Return the words that start this program again from the same folder."""
    return "planwright" if shutil.which("planwright") else shlex.quote(sys.argv[0])
