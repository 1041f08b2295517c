"""A process that has imported the whole program and forks it when asked: a worker in milliseconds instead of seconds.

It is given one line of JSON for each process to start (`arguments`,
`environment`, `folder`, `log`) and answers `started <pid>`; when one ends it says
`ended <pid> <code>`. It ends, with all of them, when its input does.
"""

import importlib
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from server.terminal import cli

IMPORTED: Final = ("server.app", "server.engine")
CHILDREN: Final[set[int]] = set()


def main() -> None:
    """Fork until the input ends."""
    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGTERM, _leave)
    _say("ready")
    for line in sys.stdin:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
        CHILDREN.add(pid)
        _say(f"started {pid}")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    _leave()


def _leave(_number: int = 0, _frame: object = None) -> NoReturn:
    """End, with every process that lives."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in CHILDREN:
        os.kill(child, signal.SIGKILL)
    sys.exit()


def _reap(_number: int, _frame: object) -> None:
    while CHILDREN:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        CHILDREN.discard(pid)
        _say(f"ended {pid} {os.waitstatus_to_exitcode(status)}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _become(wanted: dict[str, Any]) -> NoReturn:
    """Turn this fork into `planwright`, as if it had been started by its name."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    random.seed()
    _redirect(Path(wanted["log"]))
    sys.argv = ["planwright", *wanted["arguments"]]
    code = 1
    try:
        cli.main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for ours, standard in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(ours, standard)


if __name__ == "__main__":
    main()
