"""What `langgraph.json` names, for LangGraph Studio and its development server.

Both bring a checkpointer of their own and show which node follows which. A turn
needs the run's context, which only Planwright's own worker has: `server/studio.py` asks it. The
server's warnings about the context's schema mean no more than that.
"""

from graph.build import PlanwrightGraph, build


def studio() -> PlanwrightGraph:
    """Return the graph without a checkpointer; it needs no database and no model."""
    return build()
