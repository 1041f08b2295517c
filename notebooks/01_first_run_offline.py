# %% [markdown]
# # First run, offline
#
# This notebook runs one request and looks at what LangGraph kept of it. It needs no key and no network: a Postgres of
# its own starts in a temporary folder, the demo workspace is laid around today, and the built-in offline model answers.
# That model is rules, not a language model.
#
# `make notebook` runs it again and stores the outputs.

# %% [markdown]
# ## One request
#
# `workbench` opens what `planwright serve` starts too, but for HTTP: database, migrations, tools, models, worker. `ask`
# sends the message and shows the run in one place while it runs; below stands its last picture.

# %%
from server.notebooks.workbench import workbench

bench = await workbench()
run = await bench.ask("Help me organize my project tasks for next week")

# %% [markdown]
# ## The answer
#
# An answer loads no image and links to no host that is not on the list: before it was stored, whatever would have done
# so was made plain text.

# %%
from IPython.display import Markdown

Markdown(run.answer)

# %% [markdown]
# ## The graph
#
# The picture is made in Python. A compiled graph as the last line of a cell would be drawn by a service on the
# internet, so it never stands there. A dashed line is a choice that the node makes.

# %%
from graph.debug import drawn_graph

drawn_graph()

# %% [markdown]
# ## What LangGraph kept
#
# The thread is the session. Each row is a checkpoint, the newest first: when it was saved, which node came next, what
# had been decided, and how large the state was. Plans, steps and messages stand in Planwright’s own tables, so the
# state stays a few hundred bytes, however long the session is.

# %%
run.history()

# %% [markdown]
# The newest checkpoint’s state, whole: ids, a counter or two, and where the graph went.

# %%
run.kept[0].values

# %% [markdown]
# ## The event log
#
# `POST /api/agent/stream` would have sent these events, with the same numbers. The live picture above is folded from
# them, by the function that the terminal uses as well.

# %%
run.events()

# %% [markdown]
# ## The record
#
# The tables hold the numbers: what was decided, how many tokens were counted, how long it took. `planwright show RUN`
# prints them as a timeline; here a run is shown by its name.

# %%
run

# %%
await bench.close()
