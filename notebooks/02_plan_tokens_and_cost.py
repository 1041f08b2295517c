# %% [markdown]
# # The plan, tokens and cost
#
# Which step waited for which, who asked a model how often, and what that would cost. Offline, like the first notebook:
# the plan, the calls and the writes are real, the answers come from the built-in rules.

# %%
from server.notebooks.workbench import workbench

bench = await workbench()
run = await bench.ask("Schedule my open tasks into next week")

# %% [markdown]
# ## The plan
#
# A column for each depth of dependencies. The steps on the left only read, so executors do them side by side. The one
# on the right writes, so the planner does it itself, when those it rests on are done. The thicker line is the critical
# path: the chain that the run waited for.

# %%
run.plan()

# %% [markdown]
# A step’s own time is what its executor took, waits in between included; beside it, how much of that was spent in
# models and in tools. Calls made side by side are added up, so `tools` may be more than the step took.

# %%
run.steps()

# %% [markdown]
# ## When what happened
#
# Everything on one time axis. The part of a bar that is lighter only waits.

# %%
run.timeline()

# %% [markdown]
# ## Who asked a model
#
# One row for each model call, from the table `model_usage`: a row is written before the call, with what it may cost,
# and completed after it. An executor makes two calls here: one to choose its tools, one to hand in what it found.

# %%
run.usage()

# %% [markdown]
# ## Where the tokens go
#
# An executor sees its own task, and the results of the steps that it rests on. So the prompts stay small, and all the
# results meet only where they are worked on: in the planner’s own step, and where the answer is written.

# %%
from collections import Counter

spent = Counter()
for call in run.bundle.trace.model_calls:
    spent[call.purpose] += call.prompt_tokens + call.completion_tokens

for purpose, tokens in spent.most_common():
    print(f"{purpose:<12} {tokens:>7,} tokens")

# %% [markdown]
# ## What it would cost
#
# The offline model costs nothing, and counts a token for every four characters. The same numbers at the prices of
# `server/prices.json`, none of them read from the cache, give an order of magnitude; a language model plans otherwise,
# and its own tokens are counted when it is asked. A model whose price is not known has no cost, and no guess.

# %%
from dataclasses import replace

from server.prices import PRICES

for model in ("deepseek-v4-flash", "deepseek-v4-pro"):
    calls = [replace(call, model=model) for call in run.bundle.trace.model_calls]
    print(f"{model:<20} {PRICES.cost(calls).amount} {PRICES.currency}")

# %% [markdown]
# ## What stops it
#
# A call is counted before it is made, so a run that would go over a limit is stopped before, not after. What stands
# here are defaults; each is a setting.

# %%
limits = bench.planwright.engine.limits
made = len(run.bundle.trace.model_calls), len(run.bundle.trace.tool_calls)

print(f"model calls  {made[0]:>3} of at most {limits.model_calls}")
print(f"tool calls   {made[1]:>3} of at most {limits.tool_calls}")
print(f"steps        {len(run.bundle.trace.plan.steps):>3} of at most {limits.plan_steps}")

# %%
await bench.close()
