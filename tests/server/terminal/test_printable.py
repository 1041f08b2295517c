"""Text from outside cannot command the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.terminal.printable import one_line, printable


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[2J", id="clearing the screen"),
        pytest.param("\x1b]0;title\x07", id="renaming the window"),
        pytest.param("\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\", id="a link with another text"),
        pytest.param("\x9b31m", id="the one-byte escape"),
        pytest.param("fine\rforged", id="writing over the line"),
        pytest.param("abc\u202egnp.exe", id="turning the reading direction"),
    ],
)
def test_an_escape_sequence_is_only_text(text: str) -> None:
    """No character that a terminal acts on is left."""
    assert not any(unicodedata.category(letter) in {"Cc", "Cf"} for letter in printable(text))


@given(st.text())
def test_everything_else_is_kept(text: str) -> None:
    """Line feeds and tabs stay, and every other visible character does."""
    visible = [letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}]
    left = iter(printable(text))
    assert all(letter in left for letter in visible)


@given(st.text(), st.integers(1, 40))
def test_a_line_is_one_line(text: str, limit: int) -> None:
    """Whatever the text holds, it takes one row of the width that it may take."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
