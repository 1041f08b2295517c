# %% [markdown]
# # Time travel
#
# Four ways to look at a run again: its checkpoints; a replay, which happens again from the record; a fork, which goes
# another way from one step on; and a fork whose writes are only tried out. Everything runs offline.

# %%
from server.notebooks.workbench import workbench

bench = await workbench()
run = await bench.ask("Help me organize my project tasks for next week")

# %% [markdown]
# ## History
#
# One row for each checkpoint that LangGraph saved in Postgres, the newest first. When a worker dies, another one goes
# on from the newest row.

# %%
run.history()

# %% [markdown]
# ## Replay
#
# The same graph runs again, in a session of its own, and every answer of a model and every result of a tool is taken
# from the record. The column of models says so: `planwright-recorded` is nobody who could be asked. Nothing is written.

# %%
replayed = await run.replay()

# %%
run.diff(replayed)

# %% [markdown]
# ## Fork from a step
#
# Step 5 looks for free hours in the whole week. What would the answer be if only two of the days counted? The step is
# given other words. It and what rests on it are worked on anew; steps 1 to 4 and 6 keep their recorded results.

# %%
from datetime import date, timedelta

words = run.bundle.trace.plan.steps[4]["description"]
monday = date.fromisoformat(words.split()[-3])
midweek = f"Find free working hours from {monday + timedelta(days=2)} to {monday + timedelta(days=3)}"

print("recorded:", words)
print("in words:", midweek)

# %%
forked = await run.fork(from_step=5, words=midweek)

# %% [markdown]
# Below, one step is not alike, and two calls of `find_available_slots` were made where five were. The lines of the
# answers show what that came to.

# %%
run.diff(forked)

# %% [markdown]
# Two models speak in a fork: the record up to the step, the model itself from there on. Only the calls of the second
# are charged.

# %%
forked.usage()

# %% [markdown]
# ## Writes are only tried out
#
# A fork may also begin anew, with another message. This one asks for changes. A fork’s writes are dry unless it is said
# otherwise: each is checked and carried out in a transaction that is rolled back, and a tool that acts elsewhere is not
# called. The ledger calls it `dry`. Dry writes cannot build on each other, since no row is there after the first.

# %%
dry = await run.fork(message="Schedule my open tasks into next week")

# %%
print(dry.answer)

# %%
dry.tools()

# %% [markdown]
# ## Then in earnest
#
# What it would do is known now. A fork of the fork, from the step that writes on, keeps everything that was read and
# does that one step live. The plan is the one that was looked at, and no executor is asked again.

# %%
step = dry.bundle.trace.plan.steps[-1]
live = await dry.fork(from_step=step["stepNumber"], live=True)

# %%
live

# %%
print(live.answer)

# %%
await bench.close()
