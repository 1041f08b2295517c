"""Tool calls as they arrive, whole or in pieces, kept as the model wrote them.

Providers disagree about which piece belongs to which call: `index` may be
missing or the same for two calls, `id` may be null or used twice, the name may
come with every piece. Calls are numbered here by order of arrival, and LangChain
merges pieces by that number only.
"""

import json
from dataclasses import dataclass

from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from pydantic import JsonValue

from persistence.text import storable


@dataclass(frozen=True, slots=True)
class Piece:
    """What one delta says about one call."""

    id: str | None
    name: str | None
    arguments: str


class IncomingCall:
    """One tool call, grown piece by piece."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.id: str | None = None
        self.name: str | None = None
        self._pieces: list[str] = []
        self._news: ToolCallChunk | None = None

    @property
    def arguments(self) -> str:
        """The raw text so far."""
        return "".join(self._pieces)

    def add(self, piece: Piece) -> None:
        """Take a piece; an id or a name that is already known is not told again."""
        new_id = piece.id if self.id is None else None
        new_name = piece.name if self.name is None else None
        self.id = self.id or new_id
        self.name = self.name or new_name
        self._pieces.append(piece.arguments)
        self._tell(new_id, new_name, piece.arguments)

    def continued_by(self, piece: Piece) -> bool:
        """Say whether a piece with the same index goes on with this call or begins another."""
        if None not in (piece.id, self.id) and piece.id != self.id:
            return False
        if piece.name is None or self.name is None:
            return True
        return piece.name == self.name and not (piece.arguments and _is_json(self.arguments))

    def take_news(self) -> ToolCallChunk | None:
        """Return what has arrived since the last time."""
        news, self._news = self._news, None
        return news

    def _tell(self, new_id: str | None, new_name: str | None, arguments: str) -> None:
        if (news := self._news) is None:
            self._news = tool_call_chunk(id=new_id, name=new_name, args=arguments, index=self.position)
        else:
            news["id"] = news["id"] or new_id
            news["name"] = news["name"] or new_name
            news["args"] = (news["args"] or "") + arguments


class IncomingCalls:
    """All tool calls of one answer, in order of arrival."""

    def __init__(self) -> None:
        self._calls: list[IncomingCall] = []
        self._latest_by_index: dict[JsonValue, IncomingCall] = {}

    def add_whole(self, calls: JsonValue) -> None:
        """Take the `tool_calls` of a whole message: every entry is a call of its own."""
        for piece, _ in _pieces(calls):
            self._begin().add(piece)

    def add_delta(self, calls: JsonValue) -> None:
        """Take the `tool_calls` of a delta."""
        for piece, index in _pieces(calls):
            call = self._latest_by_index.get(index)
            if call is None or not call.continued_by(piece):
                call = self._latest_by_index[index] = self._begin()
            call.add(piece)

    def take_news(self) -> list[ToolCallChunk]:
        """Return what has arrived since the last time, one chunk a call."""
        return [news for call in self._calls if (news := call.take_news()) is not None]

    def raw(self) -> list[dict[str, str | None]]:
        """Return every call exactly as the model wrote it."""
        return [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in self._calls]

    def _begin(self) -> IncomingCall:
        call = IncomingCall(len(self._calls))
        self._calls.append(call)
        return call


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
