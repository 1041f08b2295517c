"""What a notebook gets of an object: asked of IPython's own formatter, with every socket out of order."""

import socket
from html.parser import HTMLParser
from typing import Any, Final, NoReturn
from xml.etree import ElementTree as ET

import pytest
from IPython.core.formatters import DisplayFormatter
from typing_extensions import override

HTML_TAGS: Final = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
SVG_TAGS: Final = {"svg", "style", "title", "rect", "path", "text", "g", "defs", "marker"}
# None of these leads anywhere, loads or runs anything: no href, no src, no style, no handler.
ATTRIBUTES: Final = {
    *("scope", "xmlns", "class", "role", "width", "height", "viewBox", "x", "y", "rx", "d", "transform"),
    *("id", "refX", "refY", "markerWidth", "markerHeight", "orient", "marker-end"),
}
NAMED: Final = {name.lower() for name in ATTRIBUTES}


class NoSocket(AssertionError):
    """Something opened a socket where nothing is to be asked."""


def displayed(thing: object, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return what Jupyter would store of a thing, by media type; opening a socket meanwhile fails the test."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise NoSocket

    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", refuse)
        patched.setattr(socket, "getaddrinfo", refuse)
        return formatted(thing)


def formatted(thing: object) -> dict[str, str]:
    """Return what IPython makes of a thing, by media type."""
    formatter: Any = DisplayFormatter()
    data, _ = formatter.format(thing)
    return {str(media): str(markup) for media, markup in data.items()}


class Seen(HTMLParser):
    """What a browser would find in a piece of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: Final = set[str]()
        self.attributes: Final = set[str]()
        self.texts: Final[list[str]] = []
        self.feed(markup)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @override
    def handle_comment(self, data: str) -> None:
        self.tags.add("!--")


def assert_harmless(data: dict[str, str]) -> None:
    """Hold that nothing of what is displayed is active, leads anywhere, or tells a terminal something."""
    assert set(data) <= {"text/plain", "text/html", "image/svg+xml"}
    assert all(line.isprintable() for line in data["text/plain"].split("\n"))
    assert_inert(data)


def assert_inert(data: dict[str, str]) -> None:
    """Hold that HTML is a table and SVG a drawing, with nothing in them that runs, loads or leads anywhere."""
    for media, tags in (("text/html", HTML_TAGS), ("image/svg+xml", SVG_TAGS)):
        seen = Seen(data.get(media, ""))
        assert seen.tags <= tags
        assert seen.attributes <= NAMED
    if svg := data.get("image/svg+xml"):
        tree = ET.fromstring(svg)  # noqa: S314 - our own, and this is what reads it
        assert {name for each in tree.iter() for name in each.attrib} <= ATTRIBUTES
