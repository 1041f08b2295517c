"""The offline model says what a person's words allow: what its own rules would change, and nothing more."""

from typing import Final

import pytest
from langchain_core.messages import HumanMessage
from pydantic import JsonValue

from graph.offline.allowing import CHANGES
from graph.offline.requests import RULES
from nodes.asking.render import render
from tests.graph.offline.talking import REGISTRY, calls_in, reply, system
from tools.intents import INTENTS_TOOL, intents_schema, kinds_of_change


def allowed(message: str, *earlier: str) -> list[dict[str, JsonValue]]:
    """Return the intents in a person's words."""
    words = "\n".join(f"- {text}" for text in earlier) or "(none)"
    prompt = render("intents_words", earlier=words, message=message)
    [(tool, arguments)] = calls_in(reply([system("intents"), HumanMessage(prompt)], [intents_schema(REGISTRY)]))
    changes = arguments["changes"]
    assert tool == INTENTS_TOOL
    assert isinstance(changes, list)
    return [change for change in changes if isinstance(change, dict)]


NOBODY: Final[list[str]] = []
NOTHING: Final[list[dict[str, JsonValue]]] = []
OVERDUE_DONE: Final = {"change": "task_status", "names": NOBODY, "which": ["overdue"], "to": "done"}


@pytest.mark.parametrize(
    ("message", "intents"),
    [
        ("Mark my overdue tasks as done", [OVERDUE_DONE]),
        ("Please move the review to Friday at 15:00", [{"change": "time", "names": ["the review"]}]),
        ("Create a task Call Ann", [{"change": "new_task", "names": ["Call Ann"], "at_most": 1}]),
        ("Add a note: Ann likes blue", [{"change": "new_note", "names": ["Ann likes blue"], "at_most": 1}]),
        ("Add a note: [text of 900 characters, left out]", [{"change": "new_note", "names": NOBODY, "at_most": 1}]),
        ("Rename the task review to Retro", [{"change": "task_title", "names": ["review"], "to": "retro"}]),
        ("Set the priority of Review to urgent", [{"change": "task_priority", "names": ["Review"], "to": "high"}]),
        ("Pause the project Relaunch", [{"change": "project_status", "names": ["Relaunch"], "to": "paused"}]),
        ("Plan my week and schedule the tasks", [{"change": "time", "names": NOBODY}]),
        ("Plan my week", NOTHING),
        ("What is overdue?", NOTHING),
        ("How is Relaunch going?", NOTHING),
        ("Delete the event Dentist", NOTHING),
        ("xyzzy", NOTHING),
        ("yes", NOTHING),
    ],
)
def test_words_allow_what_they_ask_for(message: str, intents: list[dict[str, JsonValue]]) -> None:
    """Kind, name, value and number are those of the message; a question, a wish to plan or to delete allows nothing."""
    assert allowed(message) == intents


@pytest.mark.parametrize(
    ("message", "earlier", "kinds"),
    [
        pytest.param("yes, do it", ["Plan my week"], ["time"], id="agreed to a plan"),
        pytest.param("Schedule them", ["Organise next week"], ["time"], id="a plan taken up"),
        pytest.param("yes", ["What is overdue?"], [], id="agreed to a question"),
        pytest.param("yes", ["Delete the event Dentist"], [], id="agreed to a deletion"),
        pytest.param(
            "the second one", ["Mark the interview as done"], ["task_status", "project_status"], id="a choice"
        ),
        pytest.param("what is overdue?", ["Mark the interview as done"], [], id="something else"),
        pytest.param("and on Friday?", ["Move the review to Thursday"], ["time"], id="another day"),
    ],
)
def test_short_messages_lean_on_what_the_person_asked_before(
    message: str, earlier: list[str], kinds: list[str]
) -> None:
    """Agreement, a choice or another day allow what the person's own last request was about."""
    assert [intent["change"] for intent in allowed(message, *earlier)] == kinds


def test_every_kind_is_one_that_the_tools_know() -> None:
    """The model allows nothing that no tool can do."""
    assert {kind for kinds in CHANGES.values() for kind in kinds} <= set(kinds_of_change(REGISTRY))
    assert CHANGES.keys() <= {rule.handle for rule in RULES}
