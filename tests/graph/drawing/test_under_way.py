"""The picture of a run while it is under way."""

from graph.drawing.plan_graph import PlanStep
from graph.drawing.under_way import under_way
from nodes.vocabulary.events import StepStatus
from tests.graph.drawing.drawn import SVG, parsed, said

STEPS = [
    PlanStep(1, "Read the tasks", "executor", StepStatus.COMPLETED, began_ms=10, ended_ms=60),
    PlanStep(2, "Create the task", "planner", StepStatus.EXECUTING, depends_on=(1,), began_ms=60),
]


def test_head_plan_and_lines_stand_below_each_other() -> None:
    """What is to be said comes first, then the steps as the plan's own picture has them, then what was called."""
    picture = under_way("Working · 1 of 2 steps", STEPS, ["list_tasks · 12 ms", "create_task · running"])
    head, *plan, called, calling = said(picture)
    assert (head, called, calling) == ("Working · 1 of 2 steps", "list_tasks · 12 ms", "create_task · running")
    assert plan == [
        "1 Read the tasks", "✓ done · executor · 50 ms", "2 Create the task", "◐ working · planner"
    ]  # fmt: skip
    assert picture.title == head


def test_everything_lies_on_the_paper() -> None:
    """No line is drawn below the edge, with a plan or without one."""
    for steps in ([], STEPS):
        picture = under_way("Working", steps, ["one", "two", "three"])
        own = [element for element in parsed(picture) if element.tag == f"{SVG}text"]
        assert 0 < float(own[0].get("y", "")) < float(own[-1].get("y", "")) < picture.height


def test_texts_are_texts() -> None:
    """Markup in what is said or called adds no element."""
    picture = under_way("<script>alert(1)</script>", [], ["</text><script>alert(1)</script>"])
    assert {element.tag.removeprefix(SVG) for element in parsed(picture).iter()} == {
        "svg", "style", "title", "rect", "g", "text",
    }  # fmt: skip
