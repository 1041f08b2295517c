"""A run as it is recorded, wherever the record comes from: our tables, a server over HTTP, an exported file.

Over HTTP it is `Recorded(await client.call(calls.bundle(run_id)))`, of a file that `planwright export --json`
wrote `Recorded(read_bundle(Path("run.json").read_bytes()))`.
"""

from dataclasses import dataclass
from uuid import UUID

from graph.debug import Drawing, Table, Tables, drawn_plan, drawn_waterfall
from server.comparing import compared
from server.exports.bundle import Bundle
from server.exports.figures import happenings, plan_steps
from server.notebooks import tables


@dataclass(frozen=True, repr=False)
class Recorded:
    """One run, to be looked at. What it is made of stands in `bundle`."""

    bundle: Bundle

    @property
    def id(self) -> UUID:
        """Return its id."""
        return self.bundle.trace.run.id

    @property
    def status(self) -> str:
        """Return where it stands: “done”, “waiting” and so on."""
        return self.bundle.trace.run.status

    @property
    def answer(self) -> str:
        """Return what it answered, in Markdown; "" when it has not."""
        return self.bundle.answer

    def plan(self) -> Drawing:
        """Draw its plan: a column for each depth of dependencies, the critical path thicker."""
        return drawn_plan(plan_steps(self.bundle.trace))

    def timeline(self) -> Drawing:
        """Draw what happened when: turns, steps, executors, calls of models and tools."""
        return drawn_waterfall(happenings(self.bundle.trace))

    def steps(self) -> Table:
        """List the steps of its plan, and what each took."""
        return tables.steps(self.bundle.trace)

    def usage(self) -> Table:
        """List its model calls with tokens and cost, and their sum."""
        return tables.usage(self.bundle.trace)

    def tools(self) -> Table:
        """List its tool calls and what became of each."""
        return tables.tools(self.bundle.trace)

    def events(self) -> Table:
        """List its event log."""
        return tables.events(self.bundle)

    def diff(self, other: "Recorded") -> Tables:
        """Put another run beside it: steps, tools, tokens, times, and the lines that only one answer has."""
        return tables.differences(compared(self.bundle, other.bundle))

    def _repr_html_(self) -> str:
        return tables.facts(self.bundle).html()

    def __repr__(self) -> str:
        return repr(tables.facts(self.bundle))
