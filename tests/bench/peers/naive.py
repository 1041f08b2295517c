"""The server that everyone writes first: `python -m tests.bench.peers.naive DSN MODEL_URL`.

FastAPI, LangGraph with `AsyncPostgresSaver` on a pool, `ChatOpenAI`, executors by
`Send`, events from `astream_events`. It does the bench's request: a plan, an
executor of two calls and one tool for each of its steps, an answer. It keeps no
log, has no users and no limits; what it costs is what the libraries cost.
"""

import json
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict

POOL_SIZE = 20


class Step(TypedDict):
    """One step of the plan, as the model wrote it."""

    stepNumber: int
    description: str
    dependsOn: list[int]


def begun_or_added(known: dict[int, str], new: dict[int, str]) -> dict[int, str]:
    """Add results to those of the turn; an empty set begins a turn."""
    return known | new if new else {}


class State(TypedDict):
    """What the whole graph keeps in its checkpoints."""

    messages: Annotated[list[AnyMessage], add_messages]
    steps: list[Step]
    results: Annotated[dict[int, str], begun_or_added]


class Task(TypedDict):
    """What one executor gets."""

    step: Step


class Request(BaseModel):
    """What a person sends."""

    message: str
    session_id: str | None = None


@tool
async def create_plan(reasoning: str, goal: str, steps: list[dict[str, Any]]) -> str:
    """Write a plan."""
    return f"{goal}: {len(steps)} steps, because {reasoning}"


@tool
async def list_tasks() -> str:
    """List tasks."""
    return "Four tasks are overdue."


@tool
async def submit_result(status: str, summary: str) -> str:
    """Hand in what was found."""
    return f"{status}: {summary}"


def build(model: ChatOpenAI, saver: AsyncPostgresSaver) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Wire plan, executors and answer."""

    async def plan(state: State) -> dict[str, Any]:
        said = await model.bind_tools([create_plan]).ainvoke(state["messages"])
        return {"messages": [said], "steps": said.tool_calls[0]["args"]["steps"]}

    async def execute(state: Task) -> dict[str, Any]:
        able = model.bind_tools([list_tasks, submit_result])
        messages: list[AnyMessage] = [HumanMessage(state["step"]["description"])]
        first = await able.ainvoke(messages)
        found = await list_tasks.ainvoke({})
        messages += [first, ToolMessage(found, tool_call_id=first.tool_calls[0]["id"])]
        last = await able.ainvoke(messages)
        return {"results": {state["step"]["stepNumber"]: last.tool_calls[0]["args"]["summary"]}}

    async def answer(state: State) -> dict[str, Any]:
        asked = state["messages"][-1]
        assert asked.type == "ai", "the plan is the last word"
        closing = [ToolMessage(json.dumps(state["results"]), tool_call_id=call["id"]) for call in asked.tool_calls]
        return {"messages": [*closing, await model.ainvoke([*state["messages"], *closing])]}

    def ready(state: State) -> list[Send] | str:
        done = state.get("results") or {}
        free = [
            step for step in state["steps"] if step["stepNumber"] not in done and done.keys() >= set(step["dependsOn"])
        ]
        return [Send("execute", {"step": step}) for step in free] or "answer"

    graph = StateGraph(State)
    graph.add_node("plan", plan)
    graph.add_node("execute", execute)
    graph.add_node("answer", answer)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", ready, ["execute", "answer"])
    graph.add_conditional_edges("execute", ready, ["execute", "answer"])
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=saver)


def create_app(dsn: str, model_url: str) -> FastAPI:
    """Return the application."""
    model = ChatOpenAI(model="deep", base_url=model_url, api_key=SecretStr("none"), streaming=True, stream_usage=True)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncGenerator[None]:
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            dsn,
            min_size=POOL_SIZE,
            max_size=POOL_SIZE,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        )
        async with pool:
            saver = AsyncPostgresSaver(pool)
            await saver.setup()
            app.state.graph = build(model, saver)
            yield

    app = FastAPI(lifespan=running)

    @app.post("/api/agent/stream")
    async def stream(request: Request) -> StreamingResponse:
        thread = request.session_id or str(uuid4())

        async def frames() -> AsyncGenerator[str]:
            yield f"data: {json.dumps({'type': 'session', 'session': {'id': thread}})}\n\n"
            given: dict[str, Any] = {"messages": [HumanMessage(request.message)], "steps": [], "results": {}}
            config = {"configurable": {"thread_id": thread}}
            async for event in app.state.graph.astream_events(given, config, version="v2"):
                kind = event["event"]
                if kind == "on_chat_model_stream":
                    told = {"type": "text", "content": event["data"]["chunk"].text}
                else:
                    told = {"type": kind, "name": event["name"]}
                yield f"data: {json.dumps(told)}\n\n"
            yield f"data: {json.dumps({'type': 'done'})}\n\n"

        return StreamingResponse(frames(), media_type="text/event-stream")

    return app


def main() -> None:
    """Serve on a free port and print the address."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(create_app(*sys.argv[1:3]), log_level="error", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
