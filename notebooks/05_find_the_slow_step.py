# %% [markdown]
# # Find the slow step
#
# A run was slow. Where did the time go? This notebook asks a server over HTTP, with a token and the Python client, as
# it would ask one elsewhere, and looks at the run that it loads.

# %% [markdown]
# ## A server that is slow in a real way
#
# The server is started here, on this machine, so that the notebook runs offline. Its model is the built-in one, slowed
# down to the pace of a hosted one: so many tokens a second, as each answer is long. What it says stays the same, and
# nothing else is slowed.

# %%
import asyncio

from graph.offline.model import OfflineModel
from server.notebooks.workbench import workbench

TOKENS_PER_SECOND = 400
CHARS_PER_TOKEN = 4


class HostedModel(OfflineModel):
    """The offline model at the pace of a hosted one."""

    async def _astream(self, *args, **options):
        async for chunk in super()._astream(*args, **options):
            said = chunk.message.content + "".join(call["args"] for call in chunk.message.tool_call_chunks)
            await asyncio.sleep(len(said) / CHARS_PER_TOKEN / TOKENS_PER_SECOND)
            yield chunk


bench = await workbench(model=HostedModel())
server = await bench.serve()
server

# %% [markdown]
# ## A run over HTTP
#
# From here on only the address and the token are used. `stream` sends the message and yields the run’s events; `watched`
# shows them as they come, as `planwright ask --server` does in a terminal.

# %%
from server.client.clients import AsyncClient
from server.notebooks.live import watched

client = AsyncClient(server.address, server.token)
view = await watched(client.stream("Help me organize my project tasks for next week"))

# %% [markdown]
# ## Load it
#
# Any run can be loaded, also an old one: `calls.runs()` lists them. `Recorded` shows it as it shows a run of this
# process, or one from a file that `planwright export --json` wrote.

# %%
from server.client import calls
from server.notebooks.recorded import Recorded

page = await client.call(calls.runs(limit=5))
run = Recorded(await client.call(calls.bundle(page.runs[0].id)))
run

# %% [markdown]
# ## The whole run on one axis
#
# First the planner decides, then six executors work side by side, then the planner writes the answer. The outlined bar
# is the step that the answer had to wait for.

# %%
run.timeline()

# %% [markdown]
# ## The slow step
#
# The one that is “waited for”. To make any other faster gains nothing. And of its time nearly all was spent in models,
# not in tools.

# %%
run.steps()

# %%
trace = run.bundle.trace
slow = max(trace.executions, key=lambda execution: execution.duration_ms)
calls_made = [call for call in trace.model_calls if call.agent_id == slow.executor_agent_id]

print(f"step {slow.step_number}: {slow.task.splitlines()[0]}")
for call in calls_made:
    print(
        f"  {call.duration_ms:>5} ms to read {call.prompt_tokens:>5,} tokens and write {call.completion_tokens:>3,}:"
        f" {1000 * call.completion_tokens / call.duration_ms:.0f} a second"
    )

# %% [markdown]
# ## Why
#
# Its second call hands in what was found, row by row, and an answer takes as long as it is long. The tool itself took
# milliseconds. Beside each other, over all steps: what was written, and how long that took.

# %%
from collections import defaultdict

written, took = defaultdict(int), defaultdict(int)
for execution in trace.executions:
    for call in trace.model_calls:
        if call.agent_id == execution.executor_agent_id:
            written[execution.step_number] += call.completion_tokens
            took[execution.step_number] += call.duration_ms

for number in sorted(written, key=written.get, reverse=True):
    print(f"step {number}  {written[number]:>4,} tokens written  {took[number]:>5,} ms in models")

# %% [markdown]
# So the remedy is not a faster database and not another tool, but less to write: a step that asks for fewer rows, or a
# faster model for executors, `PLANWRIGHT_EXECUTOR_MODEL`. A fork from that step in other words would show what it
# gains; over HTTP that is `calls.fork`.

# %%
await client.aclose() if hasattr(client, "aclose") else await client.__aexit__()
await bench.close()
