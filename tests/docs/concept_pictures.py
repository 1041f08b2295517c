"""Draw the pictures of docs/concepts.md by the program's own code: `python -m tests.docs.concept_pictures`.

They show one run: three executors look things up, a fourth weighs it, the planner writes.
"""

from collections.abc import Iterator
from typing import Final

from graph.drawing.picture import Picture
from graph.drawing.plan_graph import PlanStep, plan_graph
from graph.drawing.waterfall import Bar, Row, waterfall
from nodes.vocabulary.events import StepStatus
from tests.house.project import ROOT

PICTURES: Final = ROOT / "docs/pictures"
ENDED_MS: Final = 3_120
STEPS: Final = (
    PlanStep(1, "List the open tasks of the launch", "executor", StepStatus.COMPLETED, (), 620, 1_240),
    PlanStep(2, "Read the calendar of next week", "executor", StepStatus.COMPLETED, (), 620, 1_610),
    PlanStep(3, "Look for notes about the launch", "executor", StepStatus.COMPLETED, (), 620, 1_050),
    PlanStep(4, "Weigh the tasks against the free time", "executor", StepStatus.COMPLETED, (1, 2, 3), 1_610, 2_180),
    PlanStep(5, "Put the most urgent task on the list", "planner", StepStatus.COMPLETED, (4,), 2_180, 2_340),
)
TOOLS: Final = {1: "list_tasks", 2: "list_calendar_events", 3: "search_notes", 5: "create_task"}
CRITICAL: Final = (2, 4, 5)
CALL_MS: Final = 90


def pictures() -> dict[str, Picture]:
    """Return each picture by the name of its file."""
    rows = [
        Row("Planner decides and writes the plan", 0, (Bar("turn", 0, 620, "Model call"),)),
        *_step_rows(),
        Row("Planner answers", 0, (Bar("turn", 2_340, ENDED_MS, "Model call"),)),
    ]
    return {"plan.svg": plan_graph(STEPS), "waterfall.svg": waterfall(rows)}


def _step_rows() -> Iterator[Row]:
    for step in STEPS:
        assert step.began_ms is not None
        assert step.ended_ms is not None
        critical = step.number in CRITICAL
        work = Bar("work", step.began_ms, step.ended_ms, f"Step {step.number}", critical=critical)
        yield Row(f"{step.number}  {step.description}", 1, (work,))
        if tool := TOOLS.get(step.number):
            begun = (step.began_ms + step.ended_ms - CALL_MS) // 2
            yield Row(f"{step.by}: {tool}", 2, (Bar("tool", begun, begun + CALL_MS, tool),))


if __name__ == "__main__":
    for name, picture in pictures().items():
        (PICTURES / name).write_text(picture.alone() + "\n")
