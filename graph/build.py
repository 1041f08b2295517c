"""Wire the nodes into one graph. Read this file first: it is the table of contents.

START ▶ load_context ▶ decide ─┬─▶ finish ▶ END                  (answered)
                               ├─▶ use_tools ▶ decide            (the planner's own loop)
                               └─▶ make_plan ─┬─▶ decide         (no sound plan came about)
                                              └─▶ run_plan ─┬─▶ synthesise ▶ finish
                                                  ▲ replan ─┘
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.decide import decide
from nodes.finish import finish
from nodes.load_context import load_context
from nodes.make_plan import make_plan
from nodes.replan import replan
from nodes.run_plan import run_plan
from nodes.synthesise import synthesise
from nodes.use_tools import use_tools
from nodes.vocabulary.context import Context
from nodes.vocabulary.state import State

PlanwrightGraph = CompiledStateGraph[State, Context, State, State]

BRANCHES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "decide": ("use_tools", "make_plan", "finish"),
        "make_plan": ("run_plan", "decide"),
        "run_plan": ("replan", "synthesise"),
        "replan": ("run_plan", "synthesise"),
    }
)


def build(checkpointer: BaseCheckpointSaver[str] | None = None) -> PlanwrightGraph:
    """Return the compiled graph; without a checkpointer it is only good for drawing."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("load_context", load_context)
    graph.add_node("decide", decide)
    graph.add_node("use_tools", use_tools)
    graph.add_node("make_plan", make_plan)
    graph.add_node("run_plan", run_plan)
    graph.add_node("replan", replan)
    graph.add_node("synthesise", synthesise)
    graph.add_node("finish", finish)

    graph.add_edge(START, "load_context")
    graph.add_edge("load_context", "decide")
    graph.add_edge("use_tools", "decide")
    graph.add_edge("synthesise", "finish")
    graph.add_edge("finish", END)
    for node, targets in BRANCHES.items():
        graph.add_conditional_edges(node, _route, list(targets))
    return graph.compile(checkpointer=checkpointer, name="planwright")


async def _route(state: State) -> str:  # LangGraph would send a plain function to a thread
    return state["route"]
