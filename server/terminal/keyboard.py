"""A line from whoever sits at the terminal, while the loop goes on: what works in this process keeps working."""

import asyncio
import os
import signal
import sys
from typing import Final

import typer

LINE_MAX_BYTES: Final = 4096  # what a terminal gives as one line


async def typed_line(prompt: str) -> str | None:
    """Return the next line; None at the end of the input, or when Ctrl-C was pressed instead.

    A terminal gives one line at a time, so nothing of a further one is taken.
    """
    loop, keyboard = asyncio.get_running_loop(), sys.stdin.fileno()
    ready = asyncio.Event()
    interrupted = asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        ready.set()

    loop.add_reader(keyboard, ready.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    typer.echo(prompt, nl=False, err=True)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(keyboard)
        loop.remove_signal_handler(signal.SIGINT)
    line = b"" if interrupted.is_set() else os.read(keyboard, LINE_MAX_BYTES)
    if not line:
        typer.echo(err=True)  # where the person did not end the line
        return None
    return line.decode(errors="replace").strip()
