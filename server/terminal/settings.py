"""Settings for a command: a fault in them is the person's to mend, and said in one line."""

import typer

from server.settings import Settings, SettingsInvalid, read_settings
from server.terminal.exits import ExitCode


def settings_or_usage() -> Settings:
    """Return the settings.

    Raises:
        typer.Exit: with the usage code, after saying what is wrong.
    """
    try:
        return read_settings()
    except SettingsInvalid as error:
        typer.echo(f"planwright: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
