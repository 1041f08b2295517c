"""Draw a run while it is under way: what is to be said of it, its plan, and what was called last."""

from collections.abc import Sequence
from typing import Final

from graph.drawing.picture import Picture, text
from graph.drawing.plan_graph import PlanStep, plan_graph

HEAD_HEIGHT: Final = 34
LINE_STEP: Final = 18
MARGIN: Final = 16
LEAST_WIDTH: Final = 880  # so that a run without a plan has room for its calls


def under_way(head: str, steps: Sequence[PlanStep], lines: Sequence[str]) -> Picture:
    """Return the picture: the head, below it the plan if there is one, below that the lines."""
    plan = plan_graph(steps)
    width = max(plan.width if steps else 0, LEAST_WIDTH)
    plan_height = plan.height if steps else 0
    below = HEAD_HEIGHT + plan_height
    room = width - 2 * MARGIN
    parts = [
        text(MARGIN, HEAD_HEIGHT / 2 + 4, head, width=room),
        f'<g transform="translate(0,{HEAD_HEIGHT})">{"".join(plan.parts)}</g>',
        *(
            text(MARGIN, below + LINE_STEP * (place + 0.5), line, width=room, kind="dim")
            for place, line in enumerate(lines)
        ),
    ]
    return Picture(head, width, below + LINE_STEP * len(lines) + MARGIN // 2, tuple(parts))
