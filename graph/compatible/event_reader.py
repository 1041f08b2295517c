"""Server-sent events out of bytes cut anywhere.

Providers send one line a `data` field and mix in comments (`: keep-alive`) to
hold the connection. Some answer a request for a stream with one JSON body
instead, above all when it fails; that body is handed on as the only event.
"""

from typing import Final

DONE: Final = b"[DONE]"


class EventReader:
    """Collects bytes and gives out the data of each event that is complete."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_one_body: bool | None = None

    def feed(self, block: bytes) -> list[bytes]:
        """Take the next bytes and return the data of the events that they complete."""
        self._rest += block
        if self._is_one_body is None and (start := self._rest.lstrip()):
            self._is_one_body = start.startswith(b"{")
        if self._is_one_body or b"\n" not in block:
            return []
        *lines, self._rest = self._rest.split(b"\n")
        return _data_of(lines)

    def end(self) -> list[bytes]:
        """Return what the end of the body completes: a last line, or the one body."""
        last, self._rest = self._rest, bytearray()
        return [bytes(last)] if self._is_one_body else _data_of([last])


def _data_of(lines: list[bytearray]) -> list[bytes]:
    fields = (bytes(line.removeprefix(b"data:").strip()) for line in lines if line.startswith(b"data:"))
    return [field for field in fields if field]
