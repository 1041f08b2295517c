"""Reading server-sent events out of bytes, however the network cut them."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

_SEQ: Final = re.compile("[0-9]{1,18}")
_MILLISECONDS: Final = re.compile("[0-9]{1,5}")  # a hint of more than 99 seconds is none


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a run's stream: its number and its JSON text."""

    seq: int
    payload: str


class FrameReader:
    """Turns pieces of a stream into frames; comments and fields we do not use are passed over.

    `retry_ms` is after how long the server wants a client back that it sent away.
    """

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._seq: int | None = None
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[Frame]:
        """Return the frames that this piece completes."""
        *lines, self._rest = (self._rest + self._decoder.decode(piece)).split("\n")
        frames = [self._take(line.removesuffix("\r")) for line in lines]
        return [frame for frame in frames if frame is not None]

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._complete()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "id" and _SEQ.fullmatch(value):
            self._seq = int(value)
        elif field == "retry" and _MILLISECONDS.fullmatch(value):
            self.retry_ms = int(value)
        return None

    def _complete(self) -> Frame | None:
        data, self._data = "\n".join(self._data), []
        return Frame(self._seq, data) if data and self._seq is not None else None
