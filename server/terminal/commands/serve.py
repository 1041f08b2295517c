"""`planwright serve`: the HTTP interface and the web page, and the work on their runs."""

from functools import partial
from typing import Final

from server.app import serve
from server.terminal.exits import CommandFailed, ExitCode, failing_in_one_line
from server.terminal.local import setup_told
from server.terminal.people import user_id_of
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told
from server.wiring import Work

NOBODY_GREETED: Final = (
    "--user is for a server without PLANWRIGHT_JWT_SECRET or PLANWRIGHT_JWT_JWKS: those say who signs in."
)


def run(host: str | None, port: int | None, user: str | None, *, working: bool) -> None:
    """Serve until the process is told to stop."""
    given = {"host": host, "port": port}
    settings = settings_or_usage().model_copy(update={name: set_ for name, set_ in given.items() if set_ is not None})
    greeted = partial(user_id_of, user=user, settings=settings)
    with failing_in_one_line(), failures_told(), setup_told():
        if user is not None and (settings.jwt_secret or settings.jwt_jwks):
            raise CommandFailed(ExitCode.USAGE, NOBODY_GREETED)
        try:
            serve(settings, Work.SHARED if working else Work.NONE, greeted)
        except OSError as error:
            text = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Choose another port."
            raise CommandFailed(ExitCode.FAILED, text) from None
