"""What is right and what is wrong in the outcome of a request."""

from dataclasses import replace
from datetime import datetime, time
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.evaluation.judging import Outcome, effects_between, judged
from server.evaluation.report import report_on
from server.evaluation.request import Effect, Moment, Request

ASKED_AT = datetime(2026, 3, 28, 20, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # the clocks go forward in that night
REQUEST = Request.model_validate(
    {
        "id": "plants",
        "request": "Add a task to water the plants",
        "expected": {
            "route": ["tool_use"],
            "tools": ["create_task|update_task"],
            "effects": [
                {"change": "created", "table": "tasks", "name": "Water the plants", "to": {"priority": "medium"}}
            ],
            "facts": ["water the plants|the plants", "created"],
            "never": ["scheduled"],
        },
    }
)
MADE = Effect(change="created", table="tasks", name="water the  plants", to={"priority": "medium", "status": "backlog"})
RIGHT = Outcome(
    asked_at=ASKED_AT,
    status="done",
    route="tool_use",
    tools=("list_tasks", "create_task"),
    effects=(MADE,),
    answer="Created **Water the\nplants**.",
    tokens=9,
    seconds=1.0,
)


def test_an_outcome_that_is_right_has_nothing_wrong() -> None:
    """Case, spaces, marks of Markdown, other values of the row and other tools that read do not matter."""
    assert judged(REQUEST, RIGHT).wrong == {}


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (replace(RIGHT, route="complex"), {"route": "was complex, not tool_use"}),
        (replace(RIGHT, route=None), {"route": "was None, not tool_use"}),
        (replace(RIGHT, tools=("list_tasks",)), {"tools": "not called: create_task|update_task"}),
        (replace(RIGHT, effects=()), {"effects": "missing: created tasks “Water the plants”"}),
        (replace(RIGHT, effects=(MADE, MADE)), {"effects": "besides: created tasks “water the  plants”"}),
        (
            replace(RIGHT, effects=(MADE.model_copy(update={"to": {"priority": "high"}}),)),
            {"effects": "missing: created tasks “Water the plants”; besides: created tasks “water the  plants”"},
        ),
        (replace(RIGHT, answer="Created it."), {"facts": "not said: water the plants|the plants"}),
        (replace(RIGHT, answer="Created and scheduled: the plants"), {"facts": "said: scheduled"}),
        (
            replace(RIGHT, status="error"),
            dict.fromkeys(("route", "tools", "effects", "facts"), "the run ended as error"),
        ),
    ],
)
def test_what_is_wrong_is_told_by_respect(outcome: Outcome, wrong: dict[str, str]) -> None:
    """Each respect for itself; a run that did not end well is wrong in all of them."""
    assert judged(REQUEST, outcome).wrong == wrong


@pytest.mark.parametrize(
    ("start", "is_right"),
    [
        pytest.param("2026-03-29T07:00:00+00:00", True, id="nine o'clock there"),
        pytest.param("2026-03-29T09:00:00+02:00", True, id="told in another zone"),
        pytest.param("2026-03-29T09:00:00+00:00", False, id="nine o'clock elsewhere"),
        pytest.param("2026-03-29T08:00:00+00:00", False, id="before the clocks went forward"),
        pytest.param("2026-03-28T08:00:00+00:00", False, id="a day early"),
        pytest.param(None, False, id="no time at all"),
    ],
)
def test_a_moment_is_meant_on_the_clock_of_the_person(start: str | None, *, is_right: bool) -> None:
    """“Tomorrow at nine” is the day after that of asking, and nine by the clock there on that day."""
    meant = Effect(change="changed", table="tasks", name="Call", at={"start_date": Moment(days=1, time=time(9))})
    effects = (meant.model_copy(update={"at": {}, "to": {"start_date": start}}),)
    request = REQUEST.model_copy(update={"expected": REQUEST.expected.model_copy(update={"effects": (meant,)})})
    assert ("effects" not in judged(request, replace(RIGHT, effects=effects)).wrong) is is_right


def test_a_row_is_told_by_its_name_where_another_names_its_id() -> None:
    """Ids are other ones for each person, so the data set cannot name them."""
    launch, move, task = uuid4(), uuid4(), uuid4()
    projects = {("projects", launch): {"name": "Launch"}, ("projects", move): {"name": "Move"}}
    before = projects | {("tasks", task): {"title": "Call", "project_id": str(move)}}
    after = projects | {("tasks", task): {"title": "Call", "project_id": str(launch)}}
    assert effects_between(before, after) == (
        Effect(change="changed", table="tasks", name="Call", to={"project_id": "Launch"}),
    )


def test_effects_are_the_rows_that_came_changed_and_went() -> None:
    """A row that only its time of change tells apart has not changed."""
    same, new, old, other = uuid4(), uuid4(), uuid4(), uuid4()
    before = {
        ("tasks", same): {"title": "Same", "updated_at": "yesterday"},
        ("tasks", other): {"title": "Sell the desk", "status": "backlog"},
        ("calendar_events", old): {"summary": "Dentist"},
    }
    after = {
        ("tasks", same): {"title": "Same", "updated_at": "now"},
        ("tasks", other): {"title": "Sell the old desk", "status": "backlog"},
        ("notes", new): {"title": "", "content": "Ann likes blue"},
    }
    assert effects_between(before, after) == (
        Effect(change="created", table="notes", name="Ann likes blue", to={"title": "", "content": "Ann likes blue"}),
        Effect(change="changed", table="tasks", name="Sell the desk", to={"title": "Sell the old desk"}),
        Effect(change="deleted", table="calendar_events", name="Dentist"),
    )


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=60))
def test_the_times_of_a_report_lie_within_those_of_its_requests(seconds: list[float]) -> None:
    """However many there are."""
    report = report_on("any", [judged(REQUEST, replace(RIGHT, seconds=each)) for each in seconds])
    assert min(seconds) <= report.p50_seconds <= max(seconds)
    assert min(seconds) <= report.p95_seconds <= max(seconds)


def test_a_report_counts_what_was_right() -> None:
    """In each respect, and in all of them together."""
    verdicts = [judged(REQUEST, RIGHT), judged(REQUEST, replace(RIGHT, route="simple", tools=()))]
    report = report_on("a model", verdicts)
    assert (report.requests, report.passed, report.percent, report.tokens) == (2, 1, 50.0, 18)
    assert report.right == {"route": 1, "tools": 1, "effects": 2, "facts": 2}
    assert list(report.wrong["plants"]) == ["route", "tools"]
