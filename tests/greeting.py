"""What a server says when it starts. With port 0 it takes a free port itself, and only it can say which."""

import re
from subprocess import Popen
from typing import Final

ADDRESS: Final = re.compile(r"listens on (http://\S+)\.\s")
TOKEN: Final = re.compile(r"-H 'Authorization: Bearer (\S+)'")


def address_in(said: str) -> str | None:
    """Return where the server that said this listens, or None when it has not said so."""
    found = ADDRESS.search(said)
    return found and found[1]


def address_of(server: Popen[str]) -> str:
    """Wait until a server says where it listens.

    Raises:
        AssertionError: it ended before; with what it said.
    """
    return _said(server, ADDRESS)


def token_of(server: Popen[str]) -> str:
    """Wait until a server says which token is good for it, which it does behind its address.

    Raises:
        AssertionError: it ended before; with what it said.
    """
    return _said(server, TOKEN)


def _said(server: Popen[str], pattern: re.Pattern[str]) -> str:
    assert server.stdout is not None, "the output is a pipe"
    for line in server.stdout:
        if found := pattern.search(line):
            return found[1]
    raise AssertionError(server.communicate())
