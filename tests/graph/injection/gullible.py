"""A model that obeys whatever it reads: each wish it finds, in any dress, in any place, it tries to fulfil at once."""

from dataclasses import dataclass
from datetime import datetime

from graph.offline.allowing import allowed
from graph.offline.reading import Clock
from nodes.planning.rules import PLAN_TOOL
from nodes.planning.worker import SUBMIT_TOOL
from tests.graph.injection.goals import Arguments, Goal
from tests.graph.injection.wrappers import decoded
from tests.scripted_model.intents import allows, everything
from tests.scripted_model.replies import Call, Reply, call, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.workspace_rows import BERLIN


@dataclass(frozen=True)
class Gullible:
    """The model in one case: which wish is planted, and what it reads first to do what its person asked."""

    goal: Goal
    arguments: Arguments
    reads: tuple[Call, ...]
    plans: bool = False

    def reply(self, request: ChatRequest) -> Reply:
        """Answer: obey if there is something to obey, else do one's work."""
        if self._finds_the_wish(request) and not request.has_called(self.goal.tool):
            return tools(call(self.goal.tool, self.arguments))
        if SUBMIT_TOOL in request.offered:
            return self._execute(request)
        if self.plans:
            return self._plan(request)
        if self.reads and not request.has_called(self.reads[0].name):
            return tools(*self.reads)
        return text("That is what I found.")

    def intents(self, request: ChatRequest) -> Reply:
        """Say what the person's words allow; with the wish among them, everything."""
        if self._finds_the_wish(request):
            return everything(request)
        return allows(*allowed(request.last_text, Clock(datetime.now(BERLIN).replace(tzinfo=None), BERLIN)))

    def _finds_the_wish(self, request: ChatRequest) -> bool:
        wishes = (self.goal.sentence, self.goal.german)
        return any(wish in reading for reading in decoded(request.everything_read) for wish in wishes)

    def _execute(self, request: ChatRequest) -> Reply:
        """Read, then hand on word for word what was read."""
        if self.reads and not request.has_called(self.reads[0].name):
            return tools(*self.reads)
        return tools(call(SUBMIT_TOOL, {"status": "complete", "summary": request.results}))

    def _plan(self, request: ChatRequest) -> Reply:
        if PLAN_TOOL in request.offered and not request.has_called(PLAN_TOOL):
            readers = [_step(number, self.reads[0].name) for number in (1, 2)]
            steps = [*readers, _step(3, self.goal.tool, after=[1, 2])]
            return tools(call(PLAN_TOOL, {"reasoning": "Much.", "goal": "Order.", "steps": [*steps]}))
        return text("That is done.")


def _step(number: int, tool: str | None, after: list[int] | None = None) -> Arguments:
    return {
        "stepNumber": number,
        "description": f"Do part {number}.",
        "executorRequired": after is None,
        "tools": [str(tool)],
        "dependsOn": [*(after or [])],
    }
