# %% [markdown]
# # Your own tool
#
# A tool is data and one async function. This notebook writes two of them, shows what a model reads of them, and has
# them called in real runs: one that only reads, and one that changes something outside, which waits for a person.
#
# The model is scripted. The built-in offline model is rules and has never heard of these tools, so a class of a few
# lines says when to call them. A language model would read their descriptions instead.

# %% [markdown]
# ## A tool that reads
#
# The class of the arguments is what the model reads: its docstring is the description, its fields are the parameters.
# They are checked before the function runs. “No” is a sentence that the model can act on.

# %%
from datetime import date, timedelta

from pydantic import Field

from tools.tool import Access, Args, Caller, Tool, ToolAnswer, answered, refused


class CountWorkingDays(Args):
    """Count the working days, Monday to Friday, from one date to another, both included."""

    since: date = Field(description="The first day.")
    until: date = Field(description="The last day.")


async def count_working_days(args: CountWorkingDays, caller: Caller) -> ToolAnswer:
    if args.until < args.since:
        return refused("The last day is before the first. Give them in order.")
    days = (args.since + timedelta(days=n) for n in range((args.until - args.since).days + 1))
    count = sum(day.weekday() < 5 for day in days)
    return answered(f"{count} working days, from {args.since} to {args.until}.", count=count)


counting = Tool(name="count_working_days", args=CountWorkingDays, run=count_working_days, access=Access.READ)

# %% [markdown]
# Without an access a tool counts as a writing one, and only the planner has it. With `Access.READ` executors may call
# it too. This is what every model is sent of it.

# %%
counting.schema()

# %% [markdown]
# ## A tool that changes something
#
# Here a list stands for the service that a real one would speak to.

# %%
sent = []


class SendInvitation(Args):
    """Send an invitation to someone by e-mail."""

    to: str = Field(description="The address.")


async def send_invitation(args: SendInvitation, caller: Caller) -> ToolAnswer:
    sent.append(args.to)
    return answered(f"Sent an invitation to {args.to}.")


TOOLS = [counting, Tool(name="send_invitation", args=SendInvitation, run=send_invitation)]

# %% [markdown]
# ## A model that knows them
#
# `asked` is one call of the model, read: the person’s request, the tools on offer, and what tools have answered so far.

# %%
import re

from graph.offline.model import OfflineModel
from graph.offline.reading import Asked
from graph.offline.script import Call
from graph.offline.thinking import Reply


class OfficeModel(OfflineModel):
    """The offline model, and two things more that it knows."""

    def reply(self, asked: Asked) -> Reply:
        dates = re.findall(r"\d{4}-\d{2}-\d{2}", asked.request)
        address = re.search(r"\S+@\S+\w", asked.request)
        if not {"count_working_days", "send_invitation"} <= asked.offered or not (address or len(dates) == 2):
            return super().reply(asked)
        if asked.rounds:
            return Reply(asked.rounds[-1][0].message)
        if address:
            return Reply(calls=(Call("send_invitation", {"to": address[0]}),))
        return Reply(calls=(Call("count_working_days", {"since": dates[0], "until": dates[1]}),))


# %% [markdown]
# ## In a run
#
# `PLANWRIGHT_TOOLS` names such a list for an installation. Here it is the list of the cell above.

# %%
from server.notebooks.workbench import workbench

bench = await workbench(tools="__main__:TOOLS", model=OfficeModel())
bench.tools()

# %%
run = await bench.ask("How many working days are there from 2026-12-01 to 2026-12-24?")
print(run.answer)

# %% [markdown]
# The call stands in the ledger like any other, with its arguments as the model wrote them, and the sentence that the
# model read.

# %%
run.tools()

# %% [markdown]
# The wrong way round, the tool says no, and the model has a sentence to go on with.

# %%
refusal = await bench.ask("How many working days are there from 2026-12-24 to 2026-12-01?")
refusal.tools()

# %% [markdown]
# ## A write waits
#
# Planwright cannot know what a tool of yours does out there, so it holds the call against the person’s own words. What
# those words were taken to allow is asked of a model in a call of its own; the rules of the offline model know nothing
# of invitations and allow nothing. So the run stops before the call and waits for a person, held by nobody.

# %%
waiting = await bench.ask("Send an invitation to eva@example.org")

for asked in waiting.bundle.trace.approvals:
    for call in asked.calls:
        print(f"{waiting.status}: {call.tool} {call.arguments}")
print("sent:", sent)

# %% [markdown]
# In the page that is a card with two buttons. Here a person says yes. The run goes on from its checkpoint.

# %%
decided = await waiting.decide(approve=True, note="Eva knows about it.")
print(decided.answer)
print("sent:", sent)

# %%
decided.tools()

# %% [markdown]
# The same tools in a module, named by `PLANWRIGHT_TOOLS`, are part of the server: `docs/adding.md`.

# %%
await bench.close()
