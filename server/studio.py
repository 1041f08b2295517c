"""What `langgraph.json` names beside the graph that Studio draws, for development on this machine only.

`app` are the routes of `planwright serve`, over a program of their own; its middleware is
left out, since it would stand before Studio's routes as well. `ask` is a graph of one node
that has a message worked on as that program does, in the name of this machine's user.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from nodes.vocabulary.view import Arrival, RunView, reduce
from persistence.runs.events import LoggedEvent
from server.accept import accept
from server.answers import answer_refusals
from server.app import ROUTES
from server.bodies import Ask
from server.rate import Rate
from server.settings import read_settings
from server.tail import tail
from server.wiring import Planwright, local_user, opened


class Asked(TypedDict, total=False):
    """A message, the session that it goes on with, and what came of it."""

    message: str
    session_id: str
    run_id: str
    answer: str


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncGenerator[None]:
    settings = read_settings()
    async with opened(settings) as planwright:
        app.state.planwright = planwright
        app.state.user_id = await local_user(planwright.database, settings.time_zone)
        yield


app = FastAPI(title="Planwright in Studio", lifespan=_running, docs_url=None, redoc_url=None, redirect_slashes=False)
answer_refusals(app)
for _routes in ROUTES:
    app.include_router(_routes.router)


def ask() -> CompiledStateGraph[Asked]:
    """Return the graph of one node; what it streams as `custom` are the run's events."""
    graph = StateGraph(Asked)
    graph.add_node("turn", turn)
    graph.add_edge(START, "turn")
    graph.add_edge("turn", END)
    return graph.compile(name="ask")


async def turn(state: Asked) -> Asked:
    """Have a message worked on, and tell its events while they come. A thread goes on in one session."""
    here: Planwright = app.state.planwright
    said = Ask.model_validate({name: state.get(name) for name in ("message", "session_id")})
    rate = Rate(here.engine.limits, here.engine.least_tokens(said.message))
    accepted = await accept(here.database, app.state.user_id, said, queue=here.queue, rate=rate)
    view, tell = RunView(), get_stream_writer()
    async with aclosing(tail(here.database, app.state.user_id, accepted.run.id, 0, here.hub)) as events:
        async for event in events:
            if isinstance(event, LoggedEvent):
                view = reduce(view, Arrival(event.seq, event.payload))
                tell(json.loads(event.payload))
    return {"run_id": str(accepted.run.id), "session_id": str(accepted.run.session_id), "answer": view.answer}
