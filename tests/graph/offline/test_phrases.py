"""The small language of the table of requests."""

import pytest

from graph.offline.phrases import compiled, words_in


@pytest.mark.parametrize(
    ("phrase", "request_text", "words"),
    [
        ("(move|shift) [the|my] {name}", "Shift the review", {"name": "review"}),
        ("(move|shift) [the|my] {name}", "move review", {"name": "review"}),
        ("[all|of|my]* tasks", "all of my tasks", {}),
        ("... overdue ...", "what is overdue today", {}),
        ("... overdue ...", "overdue", {}),
        ("note : {content}", "Note:one\n  two", {"content": "one\n  two"}),
        ("note : {content}", "note : one", {"content": "one"}),
        ("mark {name} as {status}", "mark it as in progress", {"name": "it", "status": "in progress"}),
        ("{name} is {status}", "the review is done", {"name": "the review", "status": "done"}),
    ],
)
def test_a_phrase_fits(phrase: str, request_text: str, words: dict[str, str]) -> None:
    """A phrase fits a whole request, in any case, and names what stands in it."""
    match = compiled(phrase, {"status": ("in", "in progress", "done")}).fullmatch(request_text)
    assert match is not None
    assert words_in(match) == words


@pytest.mark.parametrize(
    ("phrase", "request_text"),
    [
        ("... overdue ...", "what is overdued"),
        ("(move|shift) {name}", "remove it"),
        ("(move|shift) {name}", "move"),
        ("{name} is {status}", "what is done"),
        ("mark {name} as {status}", "mark it as strange"),
    ],
)
def test_a_phrase_does_not_fit(phrase: str, request_text: str) -> None:
    """Words are whole words, a name is never empty, and a statement is no question."""
    assert compiled(phrase, {"status": ("done",)}).fullmatch(request_text) is None


def test_only_a_content_may_be_long() -> None:
    """A name is cut to what a title may have; a note's content is not."""
    match = compiled("{name} : {content}", {}).fullmatch(f"{'n' * 900}:{'c' * 900}")
    assert match is not None
    assert {name: len(value) for name, value in words_in(match).items()} == {"name": 500, "content": 900}
