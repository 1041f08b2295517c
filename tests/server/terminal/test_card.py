"""The card of calls that a run waits for: a person approves what it shows, so it shows what will happen."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from nodes.vocabulary.events import ApprovalBody, AwaitedCall, ChangeBody
from server.terminal.card import UNKNOWN, card

WHEN: Final = datetime(2026, 11, 24, 9, tzinfo=UTC)


def call(
    *changes: ChangeBody, unknown: bool = False, target: str = "the task “Milk”", **more: JsonValue
) -> AwaitedCall:
    """Give a call with its changes and arguments."""
    return AwaitedCall(
        id=UUID(int=1), tool="update_task", target=target, arguments=more, changes=list(changes), unknown=unknown
    )


def lines(*calls: AwaitedCall) -> list[str]:
    """Give the card of these calls, below its heading."""
    return list(card(ApprovalBody(id=UUID(int=9), digest="0" * 64, expires_at=WHEN, calls=list(calls))))[1:]


def change(before: JsonValue, after: JsonValue) -> ChangeBody:
    """Give a change of a title."""
    return ChangeBody.model_validate({"field": "title", "from": before, "to": after})


def test_a_change_is_shown_from_what_to_what() -> None:
    """A new value stands alone, a changed one behind what it was, a removed one as nothing."""
    shown = lines(call(change(None, "Milk"), change("Milk", "Oat milk"), change(3, ["a"]), change("Milk", None)))
    assert shown == [
        "  1  the task “Milk” (update_task)",
        "       title: Milk",
        "       title: Milk → Oat milk",
        '       title: 3 → ["a"]',
        "       title: Milk → nothing",
    ]


def test_a_call_that_names_no_change_shows_its_arguments() -> None:
    """What a tool of one's own does is not known here; what it is called with is."""
    assert lines(call(city="Bonn"))[1:] == ["       city: Bonn"]


def test_an_unknown_outcome_is_marked() -> None:
    """Whoever approves a call that has begun before is told that it would run again."""
    assert lines(call(change(None, "x"), unknown=True))[1] == f"       {UNKNOWN}"


def test_calls_are_numbered_and_counted() -> None:
    """The numbers are those that can be dropped."""
    [heading, *rest] = card(ApprovalBody(id=UUID(int=9), digest="0" * 64, expires_at=WHEN, calls=[call(), call()]))
    assert heading.startswith("2 calls to approve until ")
    assert [line[:5] for line in rest] == ["  1  ", "  2  "]


def test_what_a_model_wrote_cannot_draw_on_the_card() -> None:
    """Escape sequences, line ends and bidirectional controls are shown, never obeyed."""
    shown = lines(call(change(None, "a\x1b[2J\nb\u202ec"), target="x\n  2  the task “Other”"))
    assert [line.count("\x1b") + line.count("\n") + line.count("\u202e") for line in shown] == [0, 0]
    assert shown[0] == "  1  x 2 the task “Other” (update_task)"


def test_what_is_cut_is_marked() -> None:
    """A long value ends in an ellipsis."""
    assert lines(call(change(None, "x" * 1000)))[1].endswith("x…")
