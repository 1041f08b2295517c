"""A run as one HTML file."""

import json
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Final

import pytest
from pydantic import JsonValue
from typing_extensions import override

from server.exports.bundle import Bundle, read_bundle
from server.exports.page import POLICY, page_of
from tests.server.exports.test_bundle import RELEASED

TAGS: Final = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "p", "pre", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "svg", "rect", "path", "text"),
}
ATTRIBUTES: Final = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "dir", "scope", "role", "xmlns"),
    *("viewbox", "width", "height", "x", "y", "rx", "d"),
}
ATTACKS: Final = [
    "<script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "<img src=//evil.example/x>",
    "<svg onload=alert(1)>",
    "<svg><use href=//evil.example/x#y /></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>@import '//evil.example'</style>",
    "<form action=//evil.example><input name=x></form>",
    "<math><mtext></math><script>alert(1)</script>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><script>alert(1)</script>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\u202e<script>alert(1)</script>",
    "<\ufffdscript>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
]


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page.decode())

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @override
    def handle_comment(self, data: str) -> None:
        self.tags.append("!--")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Give a run that went through everything."""
    return read_bundle(RELEASED.read_bytes())


def test_a_page_shows_what_is_recorded(bundle: Bundle) -> None:
    """The request, the answer, each step, call, message and sum are on it, and both pictures."""
    page = Seen(page_of(bundle))
    shown = "\n".join(page.texts)
    assert bundle.trace.run.request in shown
    assert bundle.answer in shown
    assert page.tags.count("svg") == 2
    for call in bundle.trace.tool_calls:
        assert f"{call.tool} · {call.access} · {call.state}" in shown
    for talk in bundle.trace.conversations:
        assert all(message.content in shown for message in talk.messages)
    assert f"{bundle.sums.prompt_tokens:,}" in page.texts
    assert f"{len(bundle.events)} events" in page.texts


def test_a_page_needs_nothing_and_allows_nothing(bundle: Bundle) -> None:
    """No script, no address, no style of an element; the policy is the first thing after the encoding."""
    html = page_of(bundle)
    page = Seen(html)
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert html.count(b"://") == 2 == html.count(b"http://www.w3.org/2000/svg")
    assert page.tags[:4] == ["html", "head", "meta", "meta"]
    assert ("content", POLICY) in page.attributes
    assert "script" not in POLICY
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")


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


def page_with(document: JsonValue) -> bytes:
    """Return the page of a document."""
    return page_of(read_bundle(json.dumps(document).encode()))


@pytest.fixture(scope="module")
def open_texts() -> list[Path]:
    """Give every place of a document whose text could be any: no id, no time, no word of a fixed list."""
    document: JsonValue = json.loads(RELEASED.read_bytes())
    one_of_a_kind = {
        tuple("*" if isinstance(part, int) else part for part in path): path for path in texts_of(document)
    }
    found: set[Path] = set()
    for kind, path in one_of_a_kind.items():
        with suppress(ValueError):
            page_with(with_text(document, path, "any"))
            found.add(kind)
    return [
        path for path in texts_of(document) if tuple("*" if isinstance(part, int) else part for part in path) in found
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_markup(attack: str, open_texts: list[Path]) -> None:
    """Whatever a person, a model or a tool wrote, in every place at once, is shown as the text that it is."""
    document: JsonValue = json.loads(RELEASED.read_bytes())
    for path in open_texts:
        document = with_text(document, path, attack)
    page = Seen(page_with(document))
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert "".join(page.texts).count(attack.replace("\u202e", "")) > 50
    assert len(open_texts) > 300
