"""What is decided on the calls that a run waits for, by flags or by whoever is asked."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from nodes.vocabulary.events import ApprovalBody, AwaitedCall
from server.terminal.answering import Wish, first, left, named
from server.terminal.commands.decide import Flags
from server.terminal.exits import CommandFailed, ExitCode

CALLS: Final = (UUID(int=11), UUID(int=12), UUID(int=13))
APPROVAL: Final = ApprovalBody(
    id=UUID(int=1),
    digest="d" * 64,
    expires_at=datetime(2026, 11, 24, tzinfo=UTC),
    calls=[AwaitedCall(id=id_, tool="create_task", target="", arguments={}, changes=[]) for id_ in CALLS],
)


def flags(*drop: str, approve: bool = False, deny: bool = False, note: str | None = None) -> Flags:
    """Give what a command line said."""
    return Flags(approve, deny, drop, note)


def test_a_decision_is_on_the_calls_that_were_shown() -> None:
    """It carries their digest, and the ids of what is left out."""
    decided = Wish(approve=True, drop=("3", str(CALLS[0])), note="Not these.").on(APPROVAL)
    assert decided.body() == {
        "digest": "d" * 64,
        "decision": "approve",
        "calls": {str(CALLS[0]): {"drop": True}, str(CALLS[2]): {"drop": True}},
        "note": "Not these.",
    }


def test_a_denial_without_a_note_has_none() -> None:
    """What was not said is not sent."""
    assert Wish(approve=False).on(APPROVAL).body() == {"digest": "d" * 64, "decision": "deny", "calls": {}}


@pytest.mark.parametrize("name", ["0", "4", "", "a", "1-2", str(UUID(int=99))])
def test_a_call_that_is_not_shown_cannot_be_named(name: str) -> None:
    """A wrong number decides nothing, rather than something else than was meant."""
    with pytest.raises(LookupError, match="numbers from 1 to 3"):
        named(APPROVAL, ["1", name])


async def test_a_wish_is_for_the_first_time_only() -> None:
    """Calls that come later are others than those that were decided on."""
    answer = first(Wish(approve=True), left)
    decided = [await answer(APPROVAL), await answer(APPROVAL)]
    assert [one is not None and one.approve for one in decided] == [True, False]


@pytest.mark.parametrize(
    "given",
    [
        flags(approve=True, deny=True),
        flags("1", deny=True),
        flags("1"),
        flags(note="Because."),
    ],
)
def test_flags_that_do_not_go_together_are_a_fault_of_usage(given: Flags) -> None:
    """Nothing is decided by guessing what was meant."""
    with pytest.raises(CommandFailed) as failure:
        given.wish()
    assert failure.value.exit_code is ExitCode.USAGE


def test_without_a_flag_nothing_is_wished() -> None:
    """Then the person is asked, or shown what there is to decide."""
    assert flags().wish() is None
