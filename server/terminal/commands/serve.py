"""`planwright serve`: the HTTP interface, and the work on its runs."""

from server.app import serve
from server.settings import SettingsInvalid
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.local import failures_told
from server.terminal.settings import settings_or_usage


def run(host: str | None, port: int | None) -> None:
    """Serve until the process is told to stop."""
    perform(_serve({"host": host, "port": port}))


async def _serve(given: dict[str, str | int | None]) -> ExitCode:
    settings = settings_or_usage().model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    try:
        with failures_told():
            await serve(settings)
    except SettingsInvalid as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from None
    except OSError as error:
        text = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Choose another with --port."
        raise CommandFailed(ExitCode.FAILED, text) from None
    return ExitCode.OK
