"""An exported page in which every text that could be any says something hostile."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from pydantic import JsonValue

from server.exports.bundle import read_bundle
from server.exports.page import page_of
from tests.server.exports.test_bundle import RELEASED

Path = tuple[str | int, ...]


def texts_of(value: JsonValue, path: Path = ()) -> Iterator[Path]:
    """Yield where texts stand in a document."""
    match value:
        case str():
            yield path
        case dict():
            for name, inner in value.items():
                yield from texts_of(inner, (*path, name))
        case list():
            for place, inner in enumerate(value):
                yield from texts_of(inner, (*path, place))
        case _:
            pass


def with_text(value: JsonValue, path: Path, before: str) -> JsonValue:
    """Return the document with words in front of the text at a path."""
    if not path:
        return f"{before} {value}"
    copied: dict[str, JsonValue] | list[JsonValue]
    match value, path[0]:
        case dict(), str() as name:
            copied = {**value, name: with_text(value[name], path[1:], before)}
        case list(), int() as place:
            copied = [*value[:place], with_text(value[place], path[1:], before), *value[place + 1 :]]
        case _:
            raise AssertionError(path)
    return copied


def page_of_document(document: JsonValue) -> bytes:
    """Return the page of a document."""
    return page_of(read_bundle(json.dumps(document).encode()))


@cache
def open_texts() -> list[Path]:
    """Return every place of a document whose text could be any: no id, no time, no word of a fixed list."""
    document: JsonValue = json.loads(RELEASED.read_bytes())
    one_of_a_kind = {_kind(path): path for path in texts_of(document)}
    found: set[Path] = set()
    for kind, path in one_of_a_kind.items():
        with suppress(ValueError):
            page_of_document(with_text(document, path, "any"))
            found.add(kind)
    return [path for path in texts_of(document) if _kind(path) in found]


def page_saying(words: str) -> bytes:
    """Return the page of a run in which these words begin each of those texts."""
    document: JsonValue = json.loads(RELEASED.read_bytes())
    for path in open_texts():
        document = with_text(document, path, words)
    return page_of_document(document)


def _kind(path: Path) -> Path:
    return tuple("*" if isinstance(part, int) else part for part in path)
