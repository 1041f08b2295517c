"""How a command ends: its exit code, and the one error that carries one.

The codes are part of the command line's contract; scripts branch on them.
"""

import asyncio
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import typer

from nodes.vocabulary.events import FinishedReason
from nodes.vocabulary.view import RunView
from server.logs import speak

LIMIT_CODES: Final = frozenset({"rate_limited", "token_limited", "budget_exhausted"})


class ExitCode(IntEnum):
    """What a finished command tells the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    LIMIT = 4
    UNREACHABLE = 5
    WAITS = 6  # for a person's approval
    INTERRUPTED = 130


STATUS_CODES: Final[Mapping[int, ExitCode]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ExitCode.NOT_SIGNED_IN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ExitCode.USAGE,
        HTTPStatus.UNPROCESSABLE_ENTITY: ExitCode.USAGE,
        HTTPStatus.TOO_MANY_REQUESTS: ExitCode.LIMIT,
        HTTPStatus.SERVICE_UNAVAILABLE: ExitCode.UNREACHABLE,
    }
)


def exit_code_of_status(status: int) -> ExitCode:
    """Return what a refusal's HTTP status means to the shell."""
    return STATUS_CODES.get(status, ExitCode.FAILED)


class CommandFailed(Exception):
    """A command cannot do what it was asked; its text is for the person, next step included."""

    def __init__(self, exit_code: ExitCode, text: str) -> None:
        super().__init__(text)
        self.exit_code: Final = exit_code


def exit_code_of(view: RunView) -> ExitCode:
    """Return what a run's end, or its waiting for a person, means to the shell."""
    if view.waiting is not None:
        return ExitCode.WAITS
    if view.failure is not None:
        return ExitCode.LIMIT if view.failure.code in LIMIT_CODES else ExitCode.FAILED
    if view.finished_reason is FinishedReason.CANCELLED:
        return ExitCode.INTERRUPTED
    if view.finished_reason is FinishedReason.BUDGET_EXHAUSTED:
        return ExitCode.LIMIT
    return ExitCode.OK if view.ended else ExitCode.FAILED


def perform(work: Coroutine[None, None, ExitCode]) -> None:
    """Do a command's work and leave with its code.

    Raises:
        typer.Exit: always, with the code.
    """
    speak("text", "warning")
    with failing_in_one_line():
        code = asyncio.run(work)
    raise typer.Exit(code)


@contextmanager
def failing_in_one_line() -> Generator[None]:
    """Turn the failure of a command into one line on stderr and its exit code.

    Raises:
        typer.Exit: after a failure or Ctrl-C.
    """
    try:
        yield
    except CommandFailed as failure:
        typer.echo(f"planwright: {failure}", err=True)
        raise typer.Exit(failure.exit_code) from None
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
