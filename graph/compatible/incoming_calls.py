"""Tool calls as they arrive, whole or in pieces, kept as the model wrote them.

Providers disagree about which piece belongs to which call: `index` may be
missing or the same for two calls, `id` may be null or used twice, the name may
come with every piece. Calls are told apart here, in order of arrival.
"""

import json
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from persistence.text import storable

MAX_CALLS: Final = 1_000  # of one answer that are kept; more is a model that never stops


@dataclass(frozen=True, slots=True)
class Piece:
    """What one delta says about one call."""

    id: str | None
    name: str | None
    arguments: str


class IncomingCall:
    """One tool call, grown piece by piece."""

    def __init__(self, place: int) -> None:
        self.place: Final = place
        self.id: str | None = None
        self.name: str | None = None
        self._pieces: list[str] = []

    @property
    def arguments(self) -> str:
        """The raw text so far."""
        return "".join(self._pieces)

    def add(self, piece: Piece) -> None:
        """Take a piece; the first id and the first name count."""
        self.id = self.id or piece.id
        self.name = self.name or piece.name
        self._pieces.append(piece.arguments)

    def continued_by(self, piece: Piece) -> bool:
        """Say whether a piece with the same index goes on with this call or begins another."""
        if None not in (piece.id, self.id) and piece.id != self.id:
            return False
        if piece.name is None or self.name is None:
            return True
        return piece.name == self.name and not (piece.arguments and _is_json(self.arguments))


class IncomingCalls:
    """The tool calls of one answer, in order of arrival, the first `MAX_CALLS` of them."""

    def __init__(self) -> None:
        self._new_chars = 0
        self._new_pieces: list[tuple[IncomingCall, str]] = []
        self._calls: list[IncomingCall] = []
        self._latest_by_index: dict[JsonValue, IncomingCall] = {}

    def add_whole(self, calls: JsonValue) -> None:
        """Take the `tool_calls` of a whole message: every entry is a call of its own."""
        for piece, _ in _pieces(calls):
            self._add(self._begin(), piece)

    def add_delta(self, calls: JsonValue) -> None:
        """Take the `tool_calls` of a delta."""
        for piece, index in _pieces(calls):
            call = self._latest_by_index.get(index)
            if call is None or not call.continued_by(piece):
                call = self._begin()
            if call is not None:
                self._latest_by_index[index] = call
            if call is not None and piece.arguments:
                self._new_pieces.append((call, piece.arguments))
            self._add(call, piece)

    def take_pieces(self) -> list[dict[str, JsonValue]]:
        """Return the arguments that have arrived in deltas since the last time: which call, its name, the text."""
        pieces, self._new_pieces = self._new_pieces, []
        return [{"place": call.place, "name": call.name, "arguments": text} for call, text in pieces]

    def take_chars(self) -> int:
        """Return how many characters of arguments have arrived since the last time, those that are not kept too."""
        chars, self._new_chars = self._new_chars, 0
        return chars

    def raw(self) -> list[dict[str, str | None]]:
        """Return every call exactly as the model wrote it."""
        return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in self._calls]

    def _begin(self) -> IncomingCall | None:
        """Return a new call, None when there are too many."""
        if len(self._calls) == MAX_CALLS:
            return None
        self._calls.append(IncomingCall(len(self._calls)))
        return self._calls[-1]

    def _add(self, call: IncomingCall | None, piece: Piece) -> None:
        self._new_chars += len(piece.arguments)
        if call is not None:
            call.add(piece)


def _pieces(calls: JsonValue) -> list[tuple[Piece, str | int | None]]:
    """Return each well-formed entry with its index."""
    if not isinstance(calls, list):
        return []
    return [(_piece(call), _index(call)) for call in calls if isinstance(call, dict)]


def _piece(call: dict[str, JsonValue]) -> Piece:
    function = call.get("function")
    if not isinstance(function, dict):
        function = {}
    return Piece(_label(call.get("id")), _label(function.get("name")), _raw_text(function.get("arguments")))


def _index(call: dict[str, JsonValue]) -> str | int | None:
    index = call.get("index")
    return index if isinstance(index, str | int) else None


def _label(value: JsonValue) -> str | None:
    return storable(value) if isinstance(value, str) and value else None


def _raw_text(arguments: JsonValue) -> str:
    """Return the argument text. Some providers send the value itself in place of its text."""
    if arguments is None:
        return ""
    return storable(arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
