"""As much of PostgreSQL's wire protocol as it takes to tell statements and their answers apart.

A statement is what a client sends up to the point where it waits: a simple
query, or Parse, Bind, Describe, Execute and Sync together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HEADER_BYTES: Final = 5  # the tag, and the length that counts itself but not the tag
CANCEL_REQUEST: Final = 80877102
READY: Final = b"Z"
ERROR: Final = b"E"
_PARTS: Final = frozenset({b"P", b"B", b"D", b"E", b"C", b"H"})
_ENDS: Final = frozenset({b"Q", b"S"})


class Messages:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield each message that is whole by now."""
        self._held += data
        while len(self._held) >= HEADER_BYTES:
            size = 1 + int.from_bytes(self._held[1:HEADER_BYTES], "big")
            if len(self._held) < size:
                return
            message = bytes(self._held[:size])
            del self._held[:size]
            yield message


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes to pass on together; `sql` is None when they are no statement (a password, a goodbye)."""

    raw: bytes
    sql: str | None


class Statements:
    """Gathers a client's messages into statements, and knows the text of those that it prepared."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._texts: list[str] = []
        self._prepared: dict[bytes, str] = {}
        self._last_prepared = ""

    def add(self, message: bytes) -> Sent | None:
        """Take a message; return what is complete with it."""
        tag = message[:1]
        if tag not in _PARTS | _ENDS:
            return Sent(message, None)
        self._raw += message
        self._read(tag, message[HEADER_BYTES:])
        if tag not in _ENDS:
            return None
        sent = Sent(bytes(self._raw), "; ".join(dict.fromkeys(self._texts)) or self._last_prepared)
        self._raw.clear()
        self._texts.clear()
        return sent

    def _read(self, tag: bytes, body: bytes) -> None:
        if tag == b"Q":
            self._texts.append(_words(body.rstrip(b"\0")))
        elif tag == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._last_prepared = self._prepared[name] = _words(text)
        elif tag == b"B":
            _, name, _ = body.split(b"\0", 2)
            self._texts.append(self._prepared.get(name, "?"))


def startup_of(packet: bytes) -> dict[str, str]:
    """Return what a client says about itself first: user, database, application_name."""
    words = [word.decode() for word in packet[4:].rstrip(b"\0").split(b"\0")]
    return dict(zip(words[::2], words[1::2], strict=False))


def sqlstate_of(message: bytes) -> str:
    """Return the code of an error message."""
    fields = message[HEADER_BYTES:].split(b"\0")
    return next((field[1:].decode() for field in fields if field[:1] == b"C"), "")


def _words(text: bytes) -> str:
    return " ".join(text.decode(errors="replace").split())
