# %% [markdown]
# # First run, offline
#
# This notebook draws the graph, runs one request, and looks at what LangGraph kept of it. It needs no key and no
# network. It starts a Postgres of its own in a temporary folder. The built-in offline model answers: rules, not a
# language model.
#
# `make notebook` runs it again and stores the outputs.

# %% [markdown]
# ## The graph
#
# The picture is made in Python. A compiled graph as the last line of a cell would be drawn by a service on the
# internet, so it never stands there. A dashed line is a choice that the node makes.

# %%
from IPython.display import SVG

from graph.build import build
from graph.picture import svg

SVG(svg(build().get_graph()))

# %% [markdown]
# ## An installation of our own
#
# `opened` is what `planwright serve` starts too, but for HTTP: database, migrations, tools, models, worker. The folder
# is opened to other users because PostgreSQL refuses to run as root: started by root, it runs as `nobody`.

# %%
import shutil
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from persistence.scope import Identity, Role
from persistence.workspace.demo import seed
from server.settings import Settings
from server.wiring import local_user, opened

folder = Path(tempfile.mkdtemp(prefix="planwright-notebook-"))
folder.chmod(0o755)

stack = AsyncExitStack()
planwright = await stack.enter_async_context(opened(Settings(data_dir=folder / "data", database_url=None)))

user_id = await local_user(planwright.database, "Europe/Berlin")
async with planwright.database.acting(Role.WORKER, Identity(user_id)) as scope:
    await seed(scope, datetime.now(UTC), ZoneInfo("Europe/Berlin"))

# %% [markdown]
# ## One request
#
# `accept` stores the message and its run in one transaction, which also puts the run into the worker's queue. `tail`
# reads the run's event log until the terminal event: the same events, with the same numbers, that HTTP streams.

# %%
import json

from nodes.vocabulary.view import Arrival, RunView, reduce
from server.accept import accept
from server.bodies import Ask
from server.tail import Heartbeat, tail

ask = Ask(message="Help me organize my project tasks for next week")
accepted = await accept(planwright.database, user_id, ask, queue=planwright.queue)

view = RunView()
async for event in tail(planwright.database, user_id, accepted.run.id, 0, planwright.hub):
    if isinstance(event, Heartbeat):
        continue
    view = reduce(view, Arrival(event.seq, event.payload))
    payload = json.loads(event.payload)
    step = payload.get("step", payload).get("stepNumber", "")
    tool = payload.get("tool_call", {}).get("function", {}).get("name", "")
    print(f"{event.seq:>3}  {payload['type']:<16}  {step:<2} {tool}".rstrip())

# %% [markdown]
# ## The answer
#
# `reduce` folded the events into a view: the function that the terminal uses.

# %%
from IPython.display import Markdown

Markdown(view.answer)

# %% [markdown]
# ## The state history
#
# The thread is the session. An identity that names no run only reads. Each row is a checkpoint, the newest first: what
# had been decided, which node came next, and how large the state was. Plans, steps and messages stand in Planwright's
# own tables, so the state stays small.

# %%
from langchain_core.runnables import RunnableConfig

from persistence.checkpoints import Checkpoints

graph = build(Checkpoints(planwright.database, Identity(user_id)))
thread = RunnableConfig(configurable={"thread_id": str(accepted.run.session_id)})

print("superstep  next          route         revision  bytes")
async for snapshot in graph.aget_state_history(thread):
    kept = snapshot.values
    following = ", ".join(snapshot.next) or "end"
    size = len(json.dumps(kept))
    superstep = (snapshot.metadata or {}).get("step")
    print(f"{superstep:>9}  {following:<12}  {kept.get('route', ''):<12}  {kept.get('revision', ''):>8}  {size:>5}")

# %% [markdown]
# ## The record
#
# The tables hold the true numbers: the model that answered, tokens, durations, tool calls. `planwright show RUN` prints
# them as a timeline.

# %%
from server.trace import trace_of

async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
    trace = await trace_of(scope, accepted.run.id)

print(f"{trace.run.status}, {trace.run.strategy}, {trace.run.prompt_tokens + trace.run.completion_tokens:,} tokens")
for done in trace.executions:
    made = f"{done.tool_calls_made} tool calls, {done.duration_ms} ms, {done.tokens_used:,} tokens"
    print(f"step {done.step_number}: {done.status}, {made}")

# %%
await stack.aclose()
shutil.rmtree(folder)
