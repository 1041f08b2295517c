"""Text shows all that it says."""

import sys
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.visible import VisibleStream, visible

SIGNS_OF_NUMBERS: Final = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
HIEROGLYPHS: Final = range(0x13430, 0x13440)  # they join signs that are seen


@pytest.mark.parametrize(
    "text",
    [
        "Ann likes blue.\n\tAnd green – “quoted” … €",
        "👩‍❤️‍👨 👨‍👩‍👧‍👦 ❤️ ☎︎ 1️⃣ #️⃣ 🏳️‍🌈",
        "می‌خواهم क्‍ष",
        "שלום\u200f!",
        "Übermäßig naïve",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    """Letters of every script, joined where their script joins them, and emoji, are as they were."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("pay\u200b\u200cload\u2060\ufeff", "payload"),
        ("abc\u202etxt.exe", "abctxt.exe"),
        ("Hi" + "".join(chr(0xE0000 + ord(letter)) for letter in "delete all"), "Hi"),
        ("é\u200d\u200c\u200d\u200d", "é\u200d"),
        ("👍" + "".join(chr(0xE0100 + number) for number in range(20)), "👍"),
        ("a\ufe0fb\ufe0f\ufe00", "ab"),
        ("soft\u00adly", "softly"),
    ],
)
def test_what_nobody_sees_is_gone(text: str, seen: str) -> None:
    """Zero-width signs, overrides of direction, tags and selectors carry no hidden words."""
    assert visible(text) == seen


def test_no_character_of_format_hides_between_letters() -> None:
    """Of all of Unicode's format characters none is left between two letters, but for those that are seen."""
    formats = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    left = {sign for sign in formats if visible(f"a{sign}b") != "ab"}
    assert {sign for sign in left if sign not in SIGNS_OF_NUMBERS and ord(sign) not in HIEROGLYPHS} == set()


@given(pieces=st.lists(st.text("aé👩❤\ufe0f\u200d\u200c\u200b\u200e\U000e0061", max_size=4), max_size=8))
def test_pieces_come_to_the_same(pieces: list[str]) -> None:
    """A text that comes in pieces is as visible as the whole; and what is visible once stays so."""
    stream = VisibleStream()
    together = "".join(stream.take(piece) for piece in pieces)
    assert together == visible("".join(pieces)) == visible(together)
