"""What the graph keeps between nodes: ids, enums and counters, nothing else.

Plans, steps, results, messages and events live in our own tables; a state of a
few hundred bytes makes a checkpoint cheap and a long session no dearer than a
short one.
"""

from typing import Literal

from typing_extensions import TypedDict

Route = Literal["decide", "use_tools", "make_plan", "run_plan", "replan", "synthesise", "finish"]


class State(TypedDict):
    """The state of a thread (a session); every run starts by setting all of it."""

    run_id: str
    planner_id: str
    conversation_id: str
    turn: int
    may_plan: bool
    announced: str
    revision: int
    reason: str
    route: Route


class Update(TypedDict, total=False):
    """What a node writes: the keys it names in its docstring."""

    planner_id: str
    conversation_id: str
    turn: int
    may_plan: bool
    announced: str
    revision: int
    reason: str
    route: Route


def fresh(run_id: str) -> State:
    """Return the state that a run starts with."""
    return State(
        run_id=run_id,
        planner_id="",
        conversation_id="",
        turn=0,
        may_plan=True,
        announced="",
        revision=0,
        reason="stop",
        route="decide",
    )
