"""What layers of a run cost alone, with and without: `python -m tests.bench.overheads`.

CPU of this process, the best of some rounds: a transaction of six statements, an
executor of two turns, a model call whose answer is there at once. Decision 18
rests on these.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, LiteralString

import uvloop
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from psycopg import AsyncConnection
from pydantic import JsonValue
from typing_extensions import TypedDict

from graph.models import ModelProfile, chat_models
from persistence import embedded
from persistence.pipelined import NamingConnection

ROUNDS: Final = 7
TIMES: Final = 200
CONTEXT: Final[LiteralString] = "select set_config('bench.context', %s, true)"
INSERT: Final[LiteralString] = "insert into bench (one, two, three) values (%s, %s, %s)"
VALUES: Final = ("x" * 50, "y" * 20, 3)
ANSWER: Final[JsonValue] = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Done."}}]}

Act = Callable[[], Awaitable[object]]


async def cpu_microseconds(act: Act) -> float:
    """Return the CPU that an act takes."""
    await act()
    taken: list[float] = []
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(TIMES):
            await act()
        taken.append((time.process_time() - before) / TIMES)
    return min(taken) * 1_000_000


async def transactions(dsn: str) -> Mapping[str, float]:
    """Measure BEGIN, a setting, three inserts and COMMIT, sent one by one, by psycopg's pipeline, and by ours."""
    plain = await AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=0)
    ours = await NamingConnection.connect(dsn, autocommit=True)
    await plain.execute("create table bench (one text, two text, three integer)")

    async def one_by_one() -> None:
        await plain.execute("begin")
        await plain.execute(CONTEXT, ("c" * 150,))
        for _ in range(3):
            await plain.execute(INSERT, VALUES)
        await plain.execute("commit")

    async def piped() -> None:
        async with plain.pipeline():
            await one_by_one()

    async def together() -> None:
        ours.send("begin")
        ours.send(CONTEXT, ("c" * 150,))
        for _ in range(3):
            ours.send(INSERT, VALUES)
        ours.send("commit")
        await ours.answer()

    async with plain, ours:
        return {
            "six statements one by one": await cpu_microseconds(one_by_one),
            "in psycopg's pipeline": await cpu_microseconds(piped),
            "together, as the program sends them": await cpu_microseconds(together),
        }


class Place(TypedDict):
    """Where the graph stands."""

    turns: int


async def turn(state: Place) -> Place:
    """Take a turn."""
    return {"turns": state["turns"] + 1}


async def onward(state: Place) -> str:
    """Say where to go."""
    return "turn" if state["turns"] < 3 else END


async def executors() -> Mapping[str, float]:
    """Measure three turns of nothing, in a compiled graph and in a loop."""
    graph = StateGraph(Place)
    graph.add_node("turn", turn)
    graph.add_edge(START, "turn")
    graph.add_conditional_edges("turn", onward, ["turn", END])
    compiled = graph.compile(checkpointer=False)

    async def looped(state: Place) -> Place:
        while await onward(state) != END:
            state = await turn(state)
        return state

    loop = RunnableLambda(looped)
    return {
        "three turns in a graph": await cpu_microseconds(lambda: compiled.ainvoke({"turns": 0})),
        "in a loop": await cpu_microseconds(lambda: loop.ainvoke({"turns": 0})),
    }


class AtOnce:
    """A provider that answers at once."""

    is_openai = False

    async def whole(self, _payload: Mapping[str, JsonValue]) -> JsonValue:
        """Return the answer."""
        return ANSWER


async def calls() -> Mapping[str, float]:
    """Measure a model call past LangChain's callbacks, and through them."""
    [model] = chat_models(ModelProfile(name="deep", base_url="http://127.0.0.1:1/v1", api_key="none"))
    model = model.model_copy(update={"connection": AtOnce()})
    asked = [HumanMessage("Hello")]
    heard = model.with_config(callbacks=[AsyncCallbackHandler()])
    return {
        "a model call that somebody listens to": await cpu_microseconds(lambda: heard.ainvoke(asked)),
        "that nobody does": await cpu_microseconds(lambda: model.ainvoke(asked)),
    }


async def measured(dsn: str) -> None:
    """Measure and print."""
    for of in (await transactions(dsn), await executors(), await calls()):
        print("; ".join(f"{what}: {cost:.0f} µs" for what, cost in of.items()))


def main() -> None:
    """Start a Postgres and measure."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-bench-"))
    folder.chmod(0o755)
    try:
        with embedded.start(folder / "data") as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measured(server.dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
