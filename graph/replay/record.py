"""What is recorded of a run, as another run can go by it: every answer and every outcome at its place.

A place is a lane and a position in it. A lane is the planner's conversation over
the request, or one over a step: the planner's own, or the first, second, …
executor's that worked on it. So nothing depends on who asked first.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nodes.asking.answer_stream import AGAIN, CUT_OFF
from nodes.vocabulary.errors import RecordIncomplete
from nodes.vocabulary.events import EVENT, FinishedReason, PlanCreated, Step
from persistence.record import conversations, executions, plans
from persistence.record.conversations import AgentMessage, Conversation
from persistence.runs import approvals, events, intents, ledger, runs, usage
from persistence.runs.ledger import CallState, LedgerRow
from persistence.runs.runs import Run, RunStatus
from persistence.runs.usage import ModelCall, Usage
from persistence.scope import Scope

ANSWERED: Final = "answered"
PLANNING: Final = frozenset({"decide", "repair", "replan"})  # purposes of answers that may hold a plan
INTENTS: Final = "intents"  # the one purpose whose answers stand in no conversation
OWN_STEPS: Final = "step"
TOLD: Final = frozenset({CallState.APPLIED, CallState.FAILED, CallState.DENIED, CallState.DRY})


@dataclass(frozen=True, slots=True)
class Lane:
    """One conversation by its part in the run. `turn` tells executors of one step apart, which came one by one."""

    step_number: int | None
    is_executors: bool
    turn: int


MAIN: Final = Lane(None, is_executors=False, turn=0)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of a model, with what it cost and what it was for."""

    purpose: str
    message: AgentMessage
    usage: Usage


@dataclass(frozen=True, slots=True)
class Revision:
    """A plan as it was announced, and at which position of the planner's conversation it was written."""

    steps: list[Step]
    position: int


@dataclass(frozen=True, slots=True)
class Record:
    """What one run did. `intents` are what it might change, as JSON, with what it cost to ask for each try."""

    answers: Mapping[tuple[Lane, int], Said]
    outcomes: Mapping[tuple[Lane, str], LedgerRow]
    intents: str
    intent_calls: list[Usage]
    revisions: list[Revision]

    def revision_of(self, step_number: int) -> int | None:
        """Return in which revision a step came up, counted from 0; None when in none."""
        found = (place for place, plan in enumerate(self.revisions) if step_number in _numbers(plan.steps))
        return next(found, None)


async def read_record(scope: Scope, run_id: UUID) -> Record:
    """Return what is recorded of a run.

    Raises:
        RecordIncomplete: there is no such run, it did not end by its answer, or something of it is not known any more.
    """
    run = await runs.find(scope, run_id)
    calls = await ledger.of_run(scope, run_id)
    plan = await plans.begun(scope, run_id)
    spent = await usage.of_run(scope, run_id)
    tried = [] if plan is None else await executions.of_plan(scope, plan.id)
    given_up = {each.executor_agent_id for each in tried if each.status == "abandoned"}
    if (
        run is None
        or not _went_well(run)
        or not all(call.state in TOLD for call in calls if call.agent_id not in given_up)
    ):
        raise RecordIncomplete
    if plan is not None and await approvals.said_no(scope, run_id):
        raise RecordIncomplete  # nobody is asked again, so the run would look for another way
    said = await events.texts(scope, run_id)
    if CUT_OFF in said or AGAIN in said:
        raise RecordIncomplete
    held = [each for each in await conversations.of_run(scope, run_id) if each.executor_agent_id not in given_up]
    talks = {lane: (talk, await conversations.messages(scope, talk.id)) for lane, talk in _lanes(held)}
    answers = _answers(talks, [call for call in spent if call.agent_id not in given_up])
    return Record(
        answers=answers,
        outcomes=_outcomes({talk.id: lane for lane, (talk, _) in talks.items()}, calls),
        intents=await intents.of_run(scope, run_id) or "[]",
        intent_calls=[_usage(call) for call in spent if call.purpose == INTENTS and call.outcome == ANSWERED],
        revisions=_revisions(answers, [event.payload for event in await events.recorded(scope, run_id)]),
    )


def _went_well(run: Run) -> bool:
    """Say whether a run ended by its answer, in one go, and its log is there."""
    return (
        run.status == RunStatus.DONE
        and run.finished_reason == FinishedReason.STOP
        and not run.crashes
        and run.events_expired_at is None
    )


def _lanes(held: Sequence[Conversation]) -> Iterator[tuple[Lane, Conversation]]:
    seen = Counter[tuple[int | None, bool]]()
    for talk in held:
        kind = talk.step_number, talk.executor_agent_id is not None
        yield Lane(*kind, turn=seen[kind]), talk
        seen[kind] += 1


Talks = Mapping[Lane, tuple[Conversation, list[AgentMessage]]]


def _answers(talks: Talks, spent: Sequence[ModelCall]) -> dict[tuple[Lane, int], Said]:
    """Return every stored answer at its place, with the model call that it came of.

    The calls of each agent for one end follow each other, and so do its stored answers.

    Raises:
        RecordIncomplete: they are not as many, or a call had no answer in the end.
    """
    found: dict[tuple[Lane, int], Said] = {}
    for lanes, calls in _together(talks, spent):
        said = [(lane, message) for lane in lanes for message in talks[lane][1] if message.model_used is not None]
        said.sort(key=lambda each: each[1].created_at)
        answered = [call for call in calls if call.outcome == ANSWERED]
        if len(said) != len(answered) or (calls and calls[-1].outcome != ANSWERED):
            raise RecordIncomplete
        for (lane, message), call in zip(said, answered, strict=True):
            found[lane, message.position] = Said(call.purpose, message, _usage(call))
    return found


def _together(talks: Talks, spent: Sequence[ModelCall]) -> Iterator[tuple[list[Lane], list[ModelCall]]]:
    """Yield lanes with the calls that were made in them: the main one, the planner's own steps, each executor's."""
    of_executors = {talk.executor_agent_id for talk, _ in talks.values() if talk.executor_agent_id is not None}
    of_planner = [call for call in spent if call.agent_id not in of_executors and call.purpose != INTENTS]
    yield [MAIN], [call for call in of_planner if call.purpose != OWN_STEPS]
    own = [lane for lane in talks if lane.step_number is not None and not lane.is_executors]
    yield own, [call for call in of_planner if call.purpose == OWN_STEPS]
    for lane, (talk, _) in talks.items():
        if lane.is_executors:
            yield [lane], [call for call in spent if call.agent_id == talk.executor_agent_id]


def _outcomes(lanes: Mapping[UUID, Lane], calls: Sequence[LedgerRow]) -> dict[tuple[Lane, str], LedgerRow]:
    found: dict[tuple[Lane, str], LedgerRow] = {}
    for call in calls:
        conversation_id, place = split(call.key)
        if conversation_id in lanes:
            found[lanes[conversation_id], place] = call
    return found


def split(key: str) -> tuple[UUID, str]:
    """Return the conversation that a call's key begins with, and the rest: its place there, and what was called."""
    conversation_id, _, place = key.partition(":")
    return UUID(conversation_id), place


def _revisions(answers: Mapping[tuple[Lane, int], Said], payloads: Sequence[str]) -> list[Revision]:
    """Return each announced plan with the answer that it was made of: of those for one end, the last.

    A revision that failed was the last try, so the announced ones are the first.
    """
    announced = [
        event.plan.steps for payload in payloads if isinstance(event := EVENT.validate_json(payload), PlanCreated)
    ]
    drafts = sorted((place, said.purpose) for (lane, place), said in answers.items() if lane == MAIN)
    first = [place for place, purpose in drafts if purpose in {"decide", "repair"}][-1:]
    places = [*first, *(place for place, purpose in drafts if purpose == "replan")]
    return [Revision(steps, place) for steps, place in zip(announced, places, strict=False)]


def _numbers(steps: Sequence[Step]) -> set[int]:
    return {step.step_number for step in steps}


def _usage(call: ModelCall) -> Usage:
    return Usage(call.prompt_tokens or 0, call.completion_tokens or 0, call.cached_tokens or 0)
