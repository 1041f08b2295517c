"""A run as one HTML file."""

from html.parser import HTMLParser
from typing import Final

import pytest
from typing_extensions import override

from persistence.visible import visible
from server.exports.bundle import Bundle, read_bundle
from server.exports.page import POLICY, page_of
from tests.page.hostile_text import HOSTILE
from tests.server.exports.hostile_pages import open_texts, page_saying
from tests.server.exports.test_bundle import RELEASED

TAGS: Final = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "h1", "h2", "p", "pre", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "svg", "rect", "path", "text"),
}
ATTRIBUTES: Final = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "dir",
        "scope",
        "role",
        "xmlns",
        "tabindex",
        "aria-label",
    ),
    *("viewbox", "width", "height", "x", "y", "rx", "d"),
}
# What ends the element that a text stands in, or its attribute, before it says what it wants.
ENDING: Final = (
    "</pre><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "</td></tr></table><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<template><script>alert(1)</script></template>",
)
ATTACKS: Final = [*HOSTILE, *ENDING]


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


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_markup(attack: str) -> None:
    """Whatever a person, a model or a tool wrote, in every place at once, is shown as the text that it is."""
    page = Seen(page_saying(attack))
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert "".join(page.texts).count(visible(attack)) > 50
    assert len(open_texts()) > 300
