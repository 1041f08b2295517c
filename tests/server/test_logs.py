"""What a process says of itself."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from server import logs
from server.logs import LINE_MAX_CHARS, OURS, Format, about, speak, tell_of_lost_errors

HOSTILE = {
    "a line of its own": "a\nERROR root: all is lost",
    "a carriage return": "a\rb",
    "both": "a\r\nb",
    "separators of lines": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "a painted word": "\x1b[31mred\x1b[0m",
    "a title for the window": "\x1b]0;owned\x07",
    "another direction": "\u202eesrever",
    "a placeholder": "%s %d %(name)s",
    "braces": "{0} {record.args} {}",
    "a lone surrogate": "a\ud800b",
    "NUL": "a\0b",
    "a megabyte": "a" * 1_000_000,
    "a megabyte of lines": "\n" * 1_000_000,
}


Said = Callable[[], list[str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """Give what was said since the last look, line by line as a collector takes it; leave logging as it was."""
    root = logging.getLogger()
    before = root.handlers, root.level, logging.raiseExceptions, sys.excepthook
    yield lambda: capsys.readouterr().err.split("\n")[:-1]
    root.handlers, logging.raiseExceptions, sys.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_a_text_holds_is_one_line(said: Said, style: Format, text: str) -> None:
    """Text that got into the log ends no line, paints none, fills in nothing and is cut."""
    speak(style, "info")
    logging.getLogger("server.x").info("Somebody said %s", text)
    logging.getLogger("server.x").info(text)
    lines = said()
    assert len(lines) == 2
    assert all(len(line) < 7 * LINE_MAX_CHARS and line.isprintable() for line in lines)


def test_a_line_of_json_says_what_a_line_of_text_says(said: Said) -> None:
    """Time, level, who speaks, the message, and the run that it is about."""
    run_id = uuid4()
    speak("json", "info")
    with about(run_id):
        logging.getLogger("server.worker").warning("It takes %s s", 3)
    logging.getLogger("server.worker").info("Nothing of a run")
    first, second = (json.loads(line) for line in said())
    assert first.pop("time").endswith("Z")
    assert first == {"level": "warning", "logger": "server.worker", "run": str(run_id), "message": "It takes 3 s"}
    assert "run" not in second


async def test_a_task_that_began_inside_is_about_the_run_too(said: Said) -> None:
    """Whatever a run's turn starts names the run in its lines, each time once; what runs beside it does not."""
    run_id, go_on = uuid4(), asyncio.Event()

    async def inside() -> None:
        await go_on.wait()
        logging.getLogger("nodes.x").info("inside")
        logging.getLogger("nodes.x").info("run %s", run_id)

    speak("text", "info")
    with about(run_id):
        task = asyncio.create_task(inside())
    logging.getLogger("nodes.x").info("outside")
    go_on.set()
    await task
    assert [line.count(str(run_id)) for line in said()] == [0, 1, 1]


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_line_has_the_text_of_an_exception(said: Said, style: Format) -> None:
    """An exception that is logged, by whomever and however, is told by its kind and its places."""
    speak(style, "info")
    library = logging.getLogger("procrastinate.worker")
    try:
        int("hunter2")
    except ValueError as error:
        library.exception("It broke")
        library.warning("error connecting: %s", error)
        library.warning("error connecting: %(why)s", {"why": error})
        library.error(error)
        logs.log.error("%s", error)
        sys.excepthook(ValueError, error, error.__traceback__)
    lines = said()
    assert len(lines) == 6
    assert "hunter2" not in str(lines)
    assert all("ValueError < test_logs.py:" in line for line in lines)


async def test_an_error_that_reached_nobody_is_told_without_its_text(said: Said) -> None:
    """What asyncio would print of a forgotten task is one line, with places and without words."""
    speak("text", "info")
    asyncio.get_running_loop().set_exception_handler(tell_of_lost_errors)
    try:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "Task exception was never retrieved", "exception": ValueError("hunter2"), "future": "hunter2"}
        )
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    [line] = said()
    assert line.endswith("server.logs: Task exception was never retrieved: ValueError")


def test_libraries_speak_of_warnings_only(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below that they repeat what they carry: addresses, statements, whole requests; they stay silent."""
    speak("text", "debug")
    for name in ("httpx", "openai", "procrastinate.worker", "uvicorn.error"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        logging.getLogger(name).info("POST http://127.0.0.1/?key=hunter2")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("httpx").warning("Slow")
    logging.getLogger("server.x").debug("ours")
    assert [line.split(": ", 1)[1] for line in said()] == ["Slow", "ours"]
