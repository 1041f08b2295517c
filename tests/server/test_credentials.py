"""Credentials of our own making."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.record.credentials import Kind
from server.auth import token_of
from server.credentials import PREFIXES, digest_of, is_ours, mint
from server.refusals import SignInRefused

KEY: Final = b"the key of this installation....."
ENCODED: Final = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=56, max_size=56)


@pytest.mark.parametrize("kind", Kind)
def test_what_was_made_here_is_recognised(kind: Kind) -> None:
    """A credential is of its kind and no other, of this installation and no other, and no two are alike."""
    made = {mint(KEY, kind) for _ in range(100)}
    assert len(made) == len({digest_of(text) for text in made}) == 100
    for text in made:
        assert re.fullmatch(r"pw[tsl]_[A-Za-z0-9_-]{56}", text)
        assert [other for other in Kind if is_ours(KEY, other, text)] == [kind]
        assert not is_ours(b"another key", kind, text)


@given(kind=st.sampled_from(Kind), place=st.integers(0, 59), letter=st.characters(), encoded=ENCODED)
def test_what_was_not_made_here_is_not(kind: Kind, place: int, letter: str, encoded: str) -> None:
    """A credential with one character changed, and a text of the right shape, are none of ours."""
    text = mint(KEY, kind)
    changed = text[:place] + letter + text[place + 1 :]
    assert is_ours(KEY, kind, changed) == (changed == text)
    assert not is_ours(KEY, kind, PREFIXES[kind] + encoded)
    for longer in (text + letter, letter + text, text[:-1], text + "="):
        assert not is_ours(KEY, kind, longer)


@given(headers=st.lists(st.text() | st.just("Bearer a.b.c") | st.from_regex(r"(?i)bearer [\w.-]{1,9}"), max_size=3))
def test_a_header_holds_one_token_or_none(headers: list[str]) -> None:
    """Whatever the Authorization headers are, there is one token in them, of letters that a token has, or a refusal."""
    try:
        token = token_of(headers)
    except SignInRefused:
        return
    assert len(headers) == 1
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    assert headers[0].lower() == f"bearer {token}".lower()
