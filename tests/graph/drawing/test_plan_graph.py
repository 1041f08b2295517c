"""The picture of a plan."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from graph.drawing.plan_graph import PlanStep, critical_path, depths, plan_graph
from nodes.vocabulary.events import StepStatus
from tests.graph.drawing.drawn import SVG, of_kind, parsed, said

DONE = StepStatus.COMPLETED


def step(number: int, *after: int, time: tuple[int, int] | None = None, status: StepStatus = DONE) -> PlanStep:
    """Return a step that was at work for that time."""
    began, ended = time or (None, None)
    return PlanStep(number, f"Do part {number}", "executor", status, after, began, ended)


PLAN = [step(1, time=(0, 30)), step(2, time=(0, 90)), step(3, 1, time=(30, 50)), step(4, 2, 3, time=(90, 100))]


def test_a_step_stands_in_the_column_of_its_depth_and_the_row_of_its_place() -> None:
    """Columns are how many steps stand before it on the longest way; rows follow the plan's order."""
    boxes = of_kind(plan_graph(PLAN), "box")
    xs, ys = ([float(box.get(side, "")) for box in boxes] for side in "xy")
    assert depths(PLAN) == {1: 0, 2: 0, 3: 1, 4: 2}
    assert [sorted(set(xs)).index(x) for x in xs] == [0, 0, 1, 2]
    assert ys == sorted(set(ys))


def test_every_dependency_is_a_line() -> None:
    """Each one is drawn once; one on a step that is not there is left out."""
    assert len(of_kind(plan_graph(PLAN), "edge")) == 3
    assert len(of_kind(plan_graph([*PLAN, step(5, 99)]), "edge")) == 3


def test_the_critical_path_is_drawn_thicker() -> None:
    """It leads back from what ended last through what was waited for: its boxes and lines bear the mark."""
    assert critical_path(PLAN) == (2, 4)
    assert [element.tag for element in of_kind(plan_graph(PLAN), "critical")] == [
        f"{SVG}{x}" for x in ("path", *["rect"] * 2)
    ]
    assert critical_path([replace(each, ended_ms=None) for each in PLAN]) == ()


def test_a_state_is_told_by_sign_and_word_and_a_failure_by_its_reason() -> None:
    """Nothing is told by a colour alone."""
    failed = replace(step(1, status=StepStatus.FAILED), reason="The calendar does not answer.")
    lines = said(plan_graph([failed, step(2, 1, status=StepStatus.SKIPPED)]))
    assert "✗ failed · executor · The calendar does not answer." in lines
    assert "– skipped · executor" in lines


def test_what_a_model_wrote_is_text() -> None:
    """Markup in a description is shown as it is written, and adds no element."""
    evil = replace(step(1), description='</text><script>alert(1)</script><image href="https://evil.example/x"/>\x00')
    picture = plan_graph([evil])
    tags = {element.tag.removeprefix(SVG) for element in parsed(picture).iter()}
    assert tags == {"svg", "style", "title", "rect", "text"}
    assert any("<script>alert(1)</script>" in line for line in said(picture))
    assert picture.alone().count("://") == picture.alone().count("https://evil.example") + 1


def test_no_plan_is_an_empty_paper() -> None:
    """A plan without steps can be drawn."""
    assert said(plan_graph([])) == []


STEPS = st.lists(
    st.builds(
        step,
        st.integers(1, 6),
        st.integers(1, 7),
        st.integers(1, 7),
        time=st.none() | st.tuples(st.integers(0, 50), st.integers(0, 50)),
    ),
    max_size=6,
    unique_by=lambda each: each.number,
)


@given(STEPS)
def test_any_plan_can_be_drawn(steps: list[PlanStep]) -> None:
    """Loops, steps that wait for themselves and steps that are missing end up somewhere on the paper."""
    assert len(of_kind(plan_graph(steps), "box")) == len(steps)
    assert all(0 <= depth < max(len(steps), 1) for depth in depths(steps).values())
    assert len(set(critical_path(steps))) == len(critical_path(steps))
