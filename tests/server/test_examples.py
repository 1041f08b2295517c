"""Example questions."""

from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from persistence.workspace.glimpse import Glimpse
from server.examples import examples_for, today_and_ahead
from tests.graph.offline.talking import asked, reply

PROJECTS = [None, "Website launch", "Umzug (2027) & “mehr”"]


@pytest.mark.parametrize("project", PROJECTS)
def test_three_questions_fit_what_there_is(project: str | None) -> None:
    """Whatever there is, there are three different questions, and the offline model has an answer to each."""
    for overdue, open_tasks, events, notes in product((True, False), repeat=4):
        questions = examples_for(
            Glimpse(overdue=overdue, open_tasks=open_tasks, events=events, notes=notes, project=project)
        )
        assert len(set(questions)) == len(questions) == 3
        assert ("What is overdue?" in questions) is overdue
        assert project is None or any(project in question for question in questions)
        for question in questions:
            assert "I did not understand" not in str(reply(asked(question)).text), question


def test_an_empty_workspace_is_filled() -> None:
    """Who has nothing is shown how to put something in."""
    nothing = Glimpse(overdue=False, open_tasks=False, events=False, notes=False, project=None)
    assert [question.split()[0] for question in examples_for(nothing)] == ["Create", "Add", "What"]


def test_today_is_the_persons() -> None:
    """Their day begins at their midnight, wherever the server is."""
    began, end = today_and_ahead(datetime(2026, 11, 25, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert began.isoformat() == "2026-11-26T00:00:00+01:00"
    assert end.isoformat() == "2026-12-03T00:00:00+01:00"
