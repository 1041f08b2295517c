"""Draw where the server's CPU goes in reference runs: `python -m tests.bench.flame SVG`.

One person asks again and again, model delay 0, and `tests.bench.sampled` looks at the
stack while the server's process runs. What lies around the event loop, and what is
narrower than a reader could see, is left out of the picture. Printed is whose code it
was: of the innermost frame that is ours or of a library that has a name here. The
language's own modules count for whoever calls them.
"""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from tests.bench.peers.compare import AT_ONCE, peers
from tests.bench.peers.load import one_after_another

WARM_UP: Final = 20
RUNS: Final = 300
SAMPLED: Final = (sys.executable, "-m", "tests.bench.sampled")
WIDTH: Final = 1200.0
ROW: Final = 16
LETTER_WIDTH: Final = 6.6
NARROWEST: Final = 3.0
LOOP: Final = "Runner.run (asyncio"
NAMED: Final = re.compile(
    r"\((persistence|nodes|graph|server|tools|langgraph|langchain|aiohttp|procrastinate|uvicorn|fastapi|starlette)"
)
AROUND: Final = re.compile(r"\(server/(app|terminal)")
COLOURS: Final = {  # of the first pattern that fits
    r"\((server|graph|nodes|tools|persistence)/": "#f2a65a",
    r"\(psycopg": "#7fb069",
    r"\((aiohttp|uvicorn|fastapi|starlette|httptools|anyio)/": "#6ca6c1",
    r"\((langchain|langgraph|langsmith|_internal|pregel)": "#c98bb9",
    r"": "#d9d4cc",
}


@dataclass
class Frame:
    """One function below its caller, and how often it was seen there."""

    seen: int = 0
    calls: dict[str, "Frame"] = field(default_factory=lambda: defaultdict(Frame))


def main() -> None:
    """Sample a server, write the picture, print whose code it was."""
    root, whose = Frame(), Counter[str]()
    for line in stacks().splitlines():
        frames, seen = line.rsplit(" ", 1)
        _add(root, frames.split(";"), int(seen))
        whose[_owner(frames.split(";"))] += int(seen)
    print(
        f"{whose.total():,} samples:", ", ".join(f"{name} {n / whose.total():.0%}" for name, n in whose.most_common())
    )
    picture = Path(sys.argv[1])
    boxes = list(_boxes(root, "event loop", 0.0, WIDTH, 0))
    height = (max(row for *_, row in boxes) + 1) * ROW
    drawn = "\n".join(_drawn(*box) for box in boxes)
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}"'
        f' font-family="monospace" font-size="11">\n{drawn}\n</svg>\n'
    )


def stacks() -> str:
    """Return the stacks of a server that reference runs keep busy."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "stacks"
        os.environ["SAMPLED_STACKS"] = str(found)
        with peers(AT_ONCE, 1, [], program=SAMPLED) as (ours,):
            asyncio.run(one_after_another(ours.base_url, ours.people[0], WARM_UP))
            os.kill(ours.pid, signal.SIGUSR2)
            asyncio.run(one_after_another(ours.base_url, ours.people[0], RUNS))
        return found.read_text()


def _owner(frames: list[str]) -> str:
    named = (NAMED.search(frame) for frame in reversed(frames) if not AROUND.search(frame))
    return next((found[1] for found in named if found), "the event loop")


def _add(root: Frame, frames: list[str], seen: int) -> None:
    """Add one stack, from the event loop on; other threads have none."""
    start = next((place for place, frame in enumerate(frames) if frame.startswith(LOOP)), None)
    if start is None:
        return
    root.seen += seen
    at = root
    for frame in frames[start + 1 :]:
        at = at.calls[frame]
        at.seen += seen


def _boxes(frame: Frame, name: str, left: float, width: float, row: int) -> Iterator[tuple[str, float, float, int]]:
    yield name, left, width, row
    for callee, below in sorted(frame.calls.items()):
        share = width * below.seen / frame.seen
        if share >= NARROWEST:
            yield from _boxes(below, callee, left, share, row + 1)
        left += share


def _drawn(name: str, left: float, width: float, row: int) -> str:
    colour = next(colour for pattern, colour in COLOURS.items() if re.search(pattern, name))
    room = int((width - 4) / LETTER_WIDTH)
    text = escape(name if len(name) <= room else name[: max(0, room - 1)] + "…") if room > 3 else ""
    return (
        f'<g><title>{escape(name)}, {width / WIDTH:.1%}</title><rect x="{left:.1f}" y="{row * ROW}"'
        f' width="{width:.1f}" height="{ROW - 1}" fill="{colour}"/>'
        f'<text x="{left + 2:.1f}" y="{row * ROW + 11}">{text}</text></g>'
    )


if __name__ == "__main__":
    main()
