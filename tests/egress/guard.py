"""Refuses every connection and look-up that would leave this machine, and writes it down beside this file.

Tests import it; every Python process that they start runs a copy of it, as
`sitecustomize`, before anything else. So it needs nothing but Python. What is
refused is written down too, because a program may well survive a refusal.
"""

import os
import re
import sys
from ipaddress import ip_address
from pathlib import Path
from socket import EAI_NONAME, gaierror
from typing import Any, Final

LOCAL_NAMES: Final = frozenset({"", "localhost", "localhost.localdomain"})
LOOK_UPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
SENDINGS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
NO_NAME: Final = ".invalid"  # RFC 6761: no such name exists, so nobody is asked for it
REPORT: Final = "attempts"
DATABASE_HOST: Final = re.compile(r"(?:host=|@)([\w.-]+)")  # of a server that the operator named for the tests


class NoWayOut(PermissionError):
    """A test, or a process of one, tried to leave this machine."""


_folders: Final[list[Path]] = []


def report_to(folder: Path) -> None:
    """Write what is refused from now on into this folder."""
    _folders[:] = [folder]


def install(folder: Path) -> None:
    """Refuse from now on, and for as long as this process lives."""
    report_to(folder)
    allowed = {*LOCAL_NAMES, *DATABASE_HOST.findall(os.environ.get("PLANWRIGHT_DATABASE_URL", ""))}
    guarded_loops: set[object] = set()

    def check(host: object) -> None:
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and name.endswith(NO_NAME):
            raise gaierror(EAI_NONAME, "no such name")
        if isinstance(name, str) and name not in allowed and not _is_loopback(name):
            with (_folders[0] / REPORT).open("a") as report:
                report.write(f"{name} by {' '.join(sys.argv)[:200]!r}\n")
            raise NoWayOut(f"no way out to {name}")

    def hear(event: str, given: tuple[Any, ...]) -> None:
        if event in LOOK_UPS:
            check(given[0])
        elif event in SENDINGS and given[1] and not isinstance(given[1], str | bytes):  # those are files
            check(given[1][0])
        elif event == "socket.__new__":
            _guard_uvloop(guarded_loops, check)

    sys.addaudithook(hear)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard_uvloop(guarded: set[object], check: Any) -> None:  # noqa: ANN401 - a copy of this runs before typing is of use
    """Guard uvloop as soon as it is there: it connects in C, of which Python hears nothing."""
    loop = getattr(sys.modules.get("uvloop"), "Loop", None)
    if loop is None or loop in guarded:
        return
    guarded.add(loop)
    for name in ("create_connection", "create_datagram_endpoint", "getaddrinfo", "sock_connect"):
        setattr(loop, name, _checking(getattr(loop, name), check))


def _checking(really: Any, check: Any) -> Any:  # noqa: ANN401 - any method of a loop
    async def checked(self: object, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - its arguments and answer
        for host in (*given[:2], named.get("host"), *(named.get("remote_addr") or ())[:1]):
            check(host)
        return await really(self, *given, **named)

    return checked


if __name__ == "sitecustomize":
    install(Path(__file__).parent)
