"""What a run looks like is a pure fold over its events."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from nodes.vocabulary.events import FinishedReason, StepStatus, Strategy
from nodes.vocabulary.view import VIEW, Arrival, RunView, fold, reduce
from tests.told import (
    EXECUTOR,
    FAILED,
    OWN_CALL,
    PAUSE,
    RUN,
    RUN_OF_TWO_STEPS,
    SESSION,
    arrivals,
    called,
    plan,
    returned,
    step,
)


def unknown(name: str) -> dict[str, JsonValue]:
    """Give an event of some other type."""
    return {"type": name}


def said(content: str) -> dict[str, JsonValue]:
    """Give a `text` event."""
    return {"type": "text", "content": content}


def numbered(events: list[dict[str, JsonValue]]) -> list[Arrival]:
    """Give a drawn list of events their numbers."""
    return arrivals(*events)


ANY_EVENT: Final[st.SearchStrategy[dict[str, JsonValue]]] = st.one_of(
    st.sampled_from([*RUN_OF_TWO_STEPS, PAUSE, plan(step(1, "failed"), step(3), revision=2), FAILED]),
    st.text(max_size=8).map(unknown),
    st.text(max_size=8).map(said),
)
ANY_RUN: Final[st.SearchStrategy[list[Arrival]]] = st.lists(ANY_EVENT, max_size=25).map(numbered)


def test_a_whole_run_is_told_by_its_view() -> None:
    """After its last event the view holds the session, strategy, steps, executors, calls, answer, usage and reason."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS))
    assert (view.run_id, view.last_seq, view.ended) == (RUN, 16, True)
    assert view.analysis is not None
    assert view.analysis.strategy is Strategy.COMPLEX
    assert [(one.number, one.status, one.error) for one in view.steps] == [
        (1, StepStatus.COMPLETED, None),
        (2, StepStatus.FAILED, "no"),
    ]
    assert view.answer == "Five tasks, one is late."
    assert view.usage is not None
    assert (view.usage.total_tokens, view.finished_reason) == (120, FinishedReason.STOP)


def test_an_executor_and_its_calls_stand_under_their_step() -> None:
    """An executor's tool calls carry its id and its step, with arguments, result and duration."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS))
    (executor,) = view.executors_of(1)
    (tool,) = view.tools_of(1)
    assert executor.outcome is not None
    assert (executor.id, executor.outcome.tokens, executor.outcome.duration_ms) == (EXECUTOR, 120, 42)
    assert (tool.executor_id, tool.arguments, tool.success, tool.duration_ms) == (EXECUTOR, '{"limit": 5}', True, 7)


def test_a_call_of_the_planner_belongs_to_the_step_it_is_at() -> None:
    """The planner's own call stands under the planner's step under way, and under none before there is a plan."""
    assert [tool.id for tool in fold(arrivals(*RUN_OF_TWO_STEPS)).tools_of(2)] == [OWN_CALL]
    assert [tool.id for tool in fold(arrivals(SESSION, called(OWN_CALL))).tools_of(None)] == [OWN_CALL]


def test_a_step_took_as_long_as_it_was_seen_to_take() -> None:
    """Times are those of the arrivals; nobody who only reads the log makes a time up."""
    watched = fold(arrivals(*RUN_OF_TWO_STEPS))
    read = fold(Arrival(one.seq, one.payload) for one in arrivals(*RUN_OF_TWO_STEPS))
    assert [one.seen_ms for one in watched.steps] == [50, 30]
    assert [one.seen_ms for one in read.steps] == [None, None]


def test_a_revision_replaces_the_plan_and_keeps_the_times() -> None:
    """A second `plan_created` puts its steps in place; a step that was taken over keeps when it was seen."""
    view = fold(arrivals(*RUN_OF_TWO_STEPS[:9], plan(step(1, "completed"), step(3), revision=2)))
    assert view.plan is not None
    assert (view.plan.revision, [one.number for one in view.steps]) == (2, [1, 3])
    assert view.steps[0].seen_ms == 50


def test_a_step_without_a_plan_is_shown_all_the_same() -> None:
    """A stream that was joined in the middle shows the steps it hears of."""
    view = fold(arrivals({"type": "step_start", "step": step(4, "executing")}))
    assert [one.number for one in view.steps] == [4]


def test_a_failure_ends_a_run() -> None:
    """An `error` event ends the run with its text and code."""
    view = fold(arrivals(SESSION, FAILED))
    assert view.ended
    assert view.failure is not None
    assert (view.failure.code, view.failure.retryable) == ("model_timeout", True)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param('{"type": "weather", "sun": true}', id="a type from a newer release"),
        pytest.param('{"type": "text"}', id="a known type without its field"),
        pytest.param("not JSON", id="no JSON at all"),
        pytest.param("[]", id="JSON of another shape"),
    ],
)
def test_an_unknown_event_is_kept_and_harms_nothing(payload: str) -> None:
    """What cannot be read is kept as it came, and everything else stays."""
    before = fold(arrivals(SESSION))
    after = reduce(before, Arrival(2, payload))
    assert after.unknown == (Arrival(2, payload),)
    assert (after.run_id, after.answer) == (before.run_id, before.answer)


@given(ANY_RUN, st.data())
def test_a_prefix_and_the_rest_make_the_whole(run: list[Arrival], data: st.DataObject) -> None:
    """A fold of any prefix plus the rest equals the fold of all."""
    cut = data.draw(st.integers(0, len(run)))
    assert fold(run[cut:], fold(run[:cut])) == fold(run)


@given(ANY_RUN, st.data())
def test_an_event_folded_twice_changes_nothing(run: list[Arrival], data: st.DataObject) -> None:
    """A stream that sends events again, as after a reconnect, gives the same view."""
    again = data.draw(st.integers(0, len(run)))
    from_there = data.draw(st.integers(0, again))
    assert fold([*run[:again], *run[from_there:]]) == fold(run)


@given(ANY_RUN)
def test_a_view_survives_being_written_as_json(run: list[Arrival]) -> None:
    """A view is data: written as JSON and read again it is equal."""
    view: RunView = fold(run)
    assert VIEW.validate_json(VIEW.dump_json(view)) == view


def test_a_run_that_waits_shows_its_calls_and_goes_on() -> None:
    """At a pause the view holds what is waited for and has not ended; behind it, it goes on to its end."""
    before, last = RUN_OF_TWO_STEPS[:-1], RUN_OF_TWO_STEPS[-1]
    waiting = fold(arrivals(*before, PAUSE))
    assert waiting.waiting is not None
    assert [call.target for call in waiting.waiting.calls] == ["a new task “Water the plants”"]
    assert (waiting.ended, waiting.finished_reason, waiting.usage is None) == (False, None, False)
    ended = fold(arrivals(*before, PAUSE, last))
    assert (ended.waiting, ended.ended, ended.finished_reason) == (None, True, FinishedReason.STOP)
    assert fold(arrivals(*before, PAUSE, returned(OWN_CALL))).waiting is None
