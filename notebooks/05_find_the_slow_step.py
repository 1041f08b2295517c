# %% [markdown]
# # Find the slow step
#
# A run was slow. Where did the time go? This notebook asks a server over HTTP, with a token and the Python client, as
# it would ask one elsewhere, and looks at the run that it loads.

# %% [markdown]
# ## A server that is slow in a real way
#
# The server is started here, on this machine, so that the notebook runs offline. Its model is the built-in one, slowed
# down to the pace of a hosted one: an answer takes as long as it is long. What it says stays the same, and nothing else
# is slowed.

# %%
import asyncio

from graph.offline.model import OfflineModel
from server.notebooks.workbench import workbench

TOKENS_PER_SECOND = 400


class HostedModel(OfflineModel):
    """The offline model at the pace of a hosted one."""

    async def _agenerate(self, *args, **options):
        said = await super()._agenerate(*args, **options)
        await asyncio.sleep(said.generations[0].message.usage_metadata["output_tokens"] / TOKENS_PER_SECOND)
        return said

    async def _astream(self, *args, **options):
        async for chunk in super()._astream(*args, **options):
            letters = chunk.message.content + "".join(call["args"] for call in chunk.message.tool_call_chunks)
            await asyncio.sleep(len(letters) / 4 / TOKENS_PER_SECOND)  # it counts four letters as a token
            yield chunk


bench = await workbench(model=HostedModel())
server = await bench.serve()
server

# %% [markdown]
# ## A run over HTTP
#
# From here on only the address and the token are used. `stream` sends the message and yields the run’s events;
# `watched` shows them as they come.

# %%
from server.client.clients import AsyncClient
from server.notebooks.live import watched

async with AsyncClient(server.address, server.token) as client:
    view = await watched(client.stream("Help me organize my project tasks for next week"))

# %% [markdown]
# ## Load it
#
# Any run can be loaded, also an old one: `calls.runs()` lists them. `Recorded` shows it as it would a run of this
# process, or one from a file that `planwright export --json` wrote.

# %%
from server.client import calls
from server.notebooks.recorded import Recorded

async with AsyncClient(server.address, server.token) as client:
    newest = (await client.call(calls.runs(limit=1))).runs[0]
    run = Recorded(await client.call(calls.bundle(newest.id)))

run

# %% [markdown]
# ## The whole run on one axis
#
# First the planner decides, then six executors work side by side, then the planner writes the answer. That last bar is
# the longest, and the one that a person reads along with, since the answer is streamed. What comes before its first
# word is what a person waits for; the outlined bar is the step that it had to wait for.

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
slow = max(trace.executions, key=lambda execution: execution.completed_at)

print(f"step {slow.step_number}: {trace.plan.steps[slow.step_number - 1]['description']}")
for call in trace.model_calls:
    if call.agent_id == slow.executor_agent_id:
        print(f"{call.prompt_tokens:>6,} tokens read  {call.completion_tokens:>4} written  {call.duration_ms:>5,} ms")

# %% [markdown]
# ## Why
#
# Its second call hands in what was found, row by row, and an answer takes as long as it is long. The tool itself took
# milliseconds. Beside each other, over all steps: what their executors wrote, and how long their models took.

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
await bench.close()
