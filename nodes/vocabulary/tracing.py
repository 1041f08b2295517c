"""What tracers are shown beside what LangChain and LangGraph show by themselves: tool calls, and whose work it is.

Nothing is made when nobody listens, which is so unless an operator switched tracing on.
"""

from collections.abc import Awaitable
from uuid import UUID

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.globals import get_debug, get_verbose
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import get_async_callback_manager_for_config, var_child_runnable_config
from langchain_core.tracers.context import tracing_v2_callback_var
from langsmith.utils import is_env_var_truish, tracing_is_enabled  # pyright: ignore[reportUnknownVariableType]

from tools.errors import AwaitsPerson
from tools.gateway import Asked
from tools.tool import ToolAnswer, answer_text


def is_heard(config: RunnableConfig | None = None) -> bool:
    """Say whether anybody is told of what runs: a tracer, or a handler in the configuration or around it."""
    callbacks = None if config is None else config.get("callbacks")
    if callbacks is None and (around := var_child_runnable_config.get()) is not None:
        callbacks = around.get("callbacks")
    handlers = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks
    traced = tracing_is_enabled() or tracing_v2_callback_var.get() is not None
    return bool(handlers) or bool(traced) or get_debug() or get_verbose()


def work_name(who: str, number: int, description: str) -> str:
    """Return what the work on a step is called; by its number alone when texts are to be hidden."""
    hides_texts = is_env_var_truish("HIDE_INPUTS")
    return f"{who}: step {number}" if hides_texts else f"{who}: {description}"


def tag(kind: str, value: UUID | int) -> str:
    """Return the word by which runs are found in a tracer, such as `step:3`."""
    return f"{kind}:{value}"


async def shown(asked: Asked, call: Awaitable[ToolAnswer]) -> ToolAnswer:
    """Make a tool call, in sight of whoever listens."""
    if not is_heard():
        return await call
    listeners = get_async_callback_manager_for_config(ensure_config())
    seen = await listeners.on_tool_start({"name": asked.tool}, asked.arguments, name=asked.tool)
    try:
        answer = await call
    except AwaitsPerson:
        await seen.on_tool_end("It waits for a person's decision.")
        raise
    except BaseException as error:
        await seen.on_tool_error(error)
        raise
    await seen.on_tool_end(answer_text(answer))
    return answer
