"""`planwright`, and where its CPU goes: `python -m tests.bench.sampled serve`.

From SIGUSR2 on, a timer that runs only while the process does looks at the stack: what
waits, or has been put aside for another process, is not counted. SAMPLED_STACKS names
the file that gets them at the end, a line for each, from the outermost frame, and how
often it was seen.
"""

import os
import signal
import sysconfig
from collections import Counter
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Final

from server.terminal.cli import main as planwright

EVERY_SECONDS: Final = 0.001  # the kernel looks at the timer a few hundred times a second
AROUND: Final = f"{Path.cwd()}/", f"{sysconfig.get_path('purelib')}/", f"{sysconfig.get_path('stdlib')}/"

seen: Counter[str] = Counter()


def main() -> None:
    """Run the command, and write what was seen when it ends."""
    signal.signal(signal.SIGPROF, _look)
    signal.signal(signal.SIGUSR2, _begin)
    try:
        planwright()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{stack} {count}" for stack, count in seen.items()]
        Path(os.environ["SAMPLED_STACKS"]).write_text("\n".join(lines))


def _begin(_number: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)


def _look(_number: int, frame: FrameType | None) -> None:
    names: list[str] = []
    while frame is not None:
        code = frame.f_code
        names.append(f"{code.co_qualname} ({_short(code.co_filename)})")
        frame = frame.f_back
    seen[";".join(reversed(names))] += 1


@cache
def _short(path: str) -> str:
    folder = max((each for each in AROUND if path.startswith(each)), key=len, default="")
    return path.removeprefix(folder)


if __name__ == "__main__":
    main()
