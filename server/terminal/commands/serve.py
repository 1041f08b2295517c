"""`planwright serve`: the HTTP interface, and the work on its runs."""

from server.app import serve
from server.terminal.exits import CommandFailed, ExitCode, failing_in_one_line
from server.terminal.local import setup_told
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told
from server.wiring import Work


def run(host: str | None, port: int | None, *, working: bool) -> None:
    """Serve until the process is told to stop."""
    given = {"host": host, "port": port}
    settings = settings_or_usage().model_copy(update={name: set_ for name, set_ in given.items() if set_ is not None})
    with failing_in_one_line(), failures_told(), setup_told():
        try:
            serve(settings, Work.SHARED if working else Work.NONE)
        except OSError as error:
            text = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Choose another port."
            raise CommandFailed(ExitCode.FAILED, text) from None
