"""Draw where a server's time goes: `python -m tests.bench.flame STACKS SVG`.

STACKS is what `py-spy record --function --format raw` writes of a running server: a
line for each stack, frames from the outermost, and how often it was seen. What lies
around the event loop and what is narrower than a reader could see is left out.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

WIDTH: Final = 1200.0
ROW: Final = 16
LETTER_WIDTH: Final = 6.6
NARROWEST: Final = 3.0
LOOP: Final = "Runner.run (asyncio"
COLOURS: Final = {  # of the first pattern that fits
    r"\((server|graph|nodes|tools|persistence)/": "#f2a65a",
    r"\(psycopg": "#7fb069",
    r"\((httpx|httpcore|h11|anyio)/": "#6ca6c1",
    r"\((langchain|langgraph|langsmith|_internal|pregel)": "#c98bb9",
    r"": "#d9d4cc",
}


@dataclass
class Frame:
    """One function below its caller, and how often it was seen there."""

    seen: int = 0
    calls: dict[str, "Frame"] = field(default_factory=lambda: defaultdict(Frame))


def main() -> None:
    """Read stacks and write the picture."""
    stacks, picture = map(Path, sys.argv[1:3])
    root = Frame()
    for line in stacks.read_text().splitlines():
        frames, seen = line.rsplit(" ", 1)
        _add(root, re.sub(r":\d+\)", ")", frames).split(";"), int(seen))
    boxes = list(_boxes(root, "event loop", 0.0, WIDTH, 0))
    height = (max(row for *_, row in boxes) + 1) * ROW
    drawn = "\n".join(_drawn(*box) for box in boxes)
    picture.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}"'
        f' font-family="monospace" font-size="11">\n{drawn}\n</svg>\n'
    )


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
