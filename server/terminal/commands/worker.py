"""`planwright worker`: the work on runs, without the HTTP interface."""

from server.app import work
from server.terminal.exits import failing_in_one_line
from server.terminal.local import setup_told
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told


def run() -> None:
    """Work until the process is told to stop."""
    with failing_in_one_line(), failures_told(), setup_told():
        work(settings_or_usage())
