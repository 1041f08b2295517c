"""What a process says of itself: one line an event on stderr, for people or, as JSON, for machines.

Our own lines and those of the libraries go one way, through one formatter. A line
names the run that it is about. No line holds the text of an exception: that may be
a person's, or hold a statement, a password or a key; it is told by its kind and the
places that it came through. No line holds what people write, either, and if one
ever did, it would be one line all the same, escaped and cut.
"""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal
from uuid import UUID

from persistence.lasting import traced
from persistence.text import shortened

LINE_MAX_CHARS: Final = 2_000
OURS: Final = frozenset({"graph", "nodes", "persistence", "server", "tools"})
NOISY: Final = frozenset({"psycopg", "uvicorn"})  # warn of each lost connection, each client that sends noise

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

# Whatever ends a line or paints one: control characters, line separators, bidirectional controls, lone surrogates.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_run: Final[ContextVar[UUID | None]] = ContextVar("run", default=None)

log = logging.getLogger(__name__)


@contextmanager
def about(run_id: UUID) -> Generator[None]:
    """Name a run in every line that is said inside, also by tasks that begin there."""
    token = _run.set(run_id)
    try:
        yield
    finally:
        _run.reset(token)


def speak(style: Format, level: Level) -> None:
    """Have this process say what is at least so important, in its one way."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    handler.addFilter(_is_worth_a_line)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.raiseExceptions = False  # a line that cannot be written is dropped, not told with all it holds
    logging.captureWarnings(capture=True)
    sys.excepthook = _last_words


def tell_of_lost_errors(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Tell of an error that reached nobody, without its text; for `loop.set_exception_handler`."""
    error: object = context.get("exception")
    shown = traced(error) if isinstance(error, BaseException) else "no exception"
    log.error("%s: %s", context["message"], shown)


class TextLines(logging.Formatter):
    """For people: time, level, who speaks, what about."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        text = _UNPRINTABLE.sub(_escape, _text_of(record))
        run_id = _run.get()
        about_run = "" if run_id is None or str(run_id) in text else f" (run {run_id})"
        return f"{_time_of(record)} {record.levelname.lower():<7} {record.name}: {text}{about_run}"


class JsonLines(logging.Formatter):
    """For machines: an object with `time`, `level`, `logger`, `message`, and `run` when it is about one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line = {"time": _time_of(record), "level": record.levelname.lower(), "logger": record.name}
        if (run_id := _run.get()) is not None:
            line["run"] = str(run_id)
        return json.dumps({**line, "message": _text_of(record)})


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Let a library speak of warnings at least, whatever it was told elsewhere: below, they repeat what they carry."""
    library, _, _ = record.name.partition(".")
    if library in OURS:
        return True
    return record.levelno >= (logging.ERROR if library in NOISY else logging.WARNING)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text_of(record: logging.LogRecord) -> str:
    text = _filled(record)
    if record.exc_info and record.exc_info[1] is not None:
        text = f"{text}: {traced(record.exc_info[1])}"
    return shortened(text, LINE_MAX_CHARS)


def _filled(record: logging.LogRecord) -> str:
    """Return the message with its arguments, exceptions among them without their texts."""
    text = str(_shown(record.msg))
    if not record.args:
        return text
    try:
        if isinstance(record.args, Mapping):
            return text % {name: _shown(value) for name, value in record.args.items()}
        return text % tuple(_shown(value) for value in record.args)
    except (TypeError, ValueError, KeyError):
        return text


def _shown(value: object) -> object:
    return traced(value) if isinstance(value, BaseException) else value


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what the process dies of."""
    if issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, error, trace)
    return log.critical("This process ends by an error nobody foresaw: %s", error.with_traceback(trace))
