"""The reference runs: what is asked, and what the model says each time it is asked.

The script looks only at the request, so a call that is made again after a crash
gets the same answer. A message ends with a mark, `[[kind:token]]`: the kind says
which of the runs it is, the token whose trial.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from nodes.planning.rules import PLAN_TOOL
from nodes.planning.worker import SUBMIT_TOOL
from tests.scripted_model.gate import Gate
from tests.scripted_model.intents import everything
from tests.scripted_model.replies import Call, Reply, call, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.wire import events
from tools.intents import INTENTS_TOOL

MARK: Final = re.compile(r"\[\[(?P<kind>[a-z]+):(?P<token>[\w-]+)\]\]")
ANSWER: Final = "Next week has room for the overdue tasks: two on Monday, one on Tuesday, one on Friday. " * 3
ANSWER_DELTAS: Final = 12
GATHERING: Final = ("list_tasks", "search_projects", "search_notes", "get_calendar_events")
LONG_ROUNDS: Final = 6
LONG_CALLS: Final = 16
KINDS: Final = ("simple", "tool", "complex", "writes")
STREAMED: Final = "streamed"  # the complex run, whose plan stops half written until its first steps are handed in
READ_EARLY: Final = 2  # steps in the first half of the plan
ASKING: Final = "asking"  # the run with six writes, in a session where a person approves each of them


def message_of(kind: str, token: str) -> str:
    """Return what the person writes."""
    return f"Bring order into my week, please. [[{kind}:{token}]]"


class Stage(StrEnum):
    """How far a reply has come."""

    ARRIVED = "arrived"  # the request is here, nothing is sent
    HALF = "half sent"
    SENT = "sent"  # but for the end of the body

    def events_of(self, request: ChatRequest, reply: Reply) -> int:
        """Return how many events of a reply are sent by then."""
        whole = len(events(request, reply)) + 1 if request.is_streamed else 2
        return {Stage.ARRIVED: 0, Stage.HALF: whole // 2, Stage.SENT: whole}[self]


@dataclass
class Hold:
    """A reply to hold: that of a token's n-th request, and where in it."""

    token: str
    number: int
    stage: "Stage"
    gate: Gate = field(default_factory=Gate)


@dataclass
class Writing:
    """A plan that is half written, and how many of its steps have to be handed in before it goes on."""

    left: int = READ_EARLY
    gate: Gate = field(default_factory=Gate)


class Reference:
    """The script. Counts the calls of each token, and holds replies where a test wants to strike."""

    def __init__(self) -> None:
        self.calls: Final[Counter[str]] = Counter()
        self.holds: list[Hold] = []
        self._writing: Final[defaultdict[str, Writing]] = defaultdict(Writing)

    def __call__(self, request: ChatRequest) -> Reply:
        """Answer a request."""
        kind, token, turn = _place(request)
        self.calls[token] += 1
        reply = everything(request) if INTENTS_TOOL in request.offered else _SCRIPTS[kind](request, turn)
        if kind == STREAMED:
            reply = self._streamed(request, reply, self._writing[token])
        for hold in self.holds:
            if hold.token == token and hold.number == self.calls[token]:
                return reply.gated(hold.gate, after=hold.stage.events_of(request, reply))
        return reply

    def _streamed(self, request: ChatRequest, reply: Reply, writing: Writing) -> Reply:
        called = [each.name for each in reply.calls]
        writing.left -= called == [SUBMIT_TOOL]
        if writing.left <= 0:
            writing.gate.open()
        return reply.gated(writing.gate, after=Stage.HALF.events_of(request, reply)) if called == [PLAN_TOOL] else reply

    def hold(self, token: str, number: int, stage: Stage = Stage.ARRIVED) -> Gate:
        """Hold the reply to a token's n-th request, from 1, until its gate is opened."""
        hold = Hold(token, number, stage)
        self.holds = [*self.holds, hold]
        return hold.gate

    def release(self) -> None:
        """Let go of everything that is held, now and later."""
        held, self.holds = self.holds, []
        for hold in held:
            hold.gate.open()


def _place(request: ChatRequest) -> tuple[str, str, int]:
    """Return kind and token, and how many answers with tool calls came after the message that names them."""
    turn = 0
    for message in reversed(request.messages):
        if found := MARK.findall(str(message.get("content"))):
            kind, token = found[-1]
            return kind, token, turn
        turn += bool(message.get("tool_calls"))
    raise AssertionError("a request of the faults' own script carries a mark")


def _simple(_request: ChatRequest, _turn: int) -> Reply:
    return text(ANSWER, deltas=ANSWER_DELTAS)


def _tool(_request: ChatRequest, turn: int) -> Reply:
    return _rounds(
        turn, [[call("list_tasks", {}), call("search_notes", {"query": "week"})], [_task("Water the plants")]]
    )


def _writes(_request: ChatRequest, turn: int) -> Reply:
    return _rounds(
        turn,
        [
            [_task("Call the landlord"), _task("Pay the rent")],
            [call("create_note", {"title": "Rent", "content": "Due on the first."}), _task("Buy paint")],
            [call("create_brain_dump", {"content": "Paint the hall blue."}), _task("Paint the hall")],
        ],
    )


def _complex(request: ChatRequest, turn: int) -> Reply:
    if SUBMIT_TOOL in request.offered:
        readable = next(name for name in request.offered if name != SUBMIT_TOOL)
        return tools(call(SUBMIT_TOOL, {"status": "complete", "summary": "Found it."}) if turn else call(readable, {}))
    if PLAN_TOOL in request.offered and not turn:
        return tools(call(PLAN_TOOL, _plan()))
    if request.offered:
        return text("It is on the list.") if turn else tools(_task("Review the week"))
    return text(ANSWER, deltas=ANSWER_DELTAS)


def _long(_request: ChatRequest, turn: int) -> Reply:
    """Give some two hundred events: reads, sixteen at once."""
    reads = [
        [call("search_notes", {"query": f"week {number} {place}"}) for place in range(LONG_CALLS)]
        for number in range(LONG_ROUNDS)
    ]
    return _rounds(turn, reads)


def _rounds(turn: int, rounds: Sequence[Sequence[Call]]) -> Reply:
    return tools(*rounds[turn]) if turn < len(rounds) else text(ANSWER, deltas=ANSWER_DELTAS)


def _task(title: str) -> Call:
    return call("create_task", {"title": title})


def _plan() -> dict[str, JsonValue]:
    gathering = [_step(number, tool, by_executor=True) for number, tool in enumerate(GATHERING, 1)]
    return {
        "reasoning": "Several lists are needed.",
        "goal": "A week with order in it.",
        "steps": [*gathering, _step(len(GATHERING) + 1, "create_task", by_executor=False)],
    }


def _step(number: int, tool: str, *, by_executor: bool) -> dict[str, JsonValue]:
    return {
        "stepNumber": number,
        "type": "gather" if by_executor else "write",
        "description": f"Do part {number} with {tool}.",
        "executorRequired": by_executor,
        "tools": [tool],
        "dependsOn": [] if by_executor else list(range(1, number)),
    }


_SCRIPTS: Final[dict[str, Callable[[ChatRequest, int], Reply]]] = {
    "simple": _simple,
    "tool": _tool,
    "writes": _writes,
    ASKING: _writes,
    "complex": _complex,
    STREAMED: _complex,
    "long": _long,
}
