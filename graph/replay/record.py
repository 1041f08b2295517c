"""What is recorded of a run, as another run can go by it: every answer and every outcome at its place.

A place is a lane and a position in it. A lane is the planner's conversation over
the request, or one over a step: the planner's own, or the first, second, …
executor's that worked on it. So nothing depends on who asked first.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nodes.asking.answer_stream import AGAIN, CUT_OFF
from nodes.planning.plan_rows import steps_of
from nodes.planning.unfinished import Because
from nodes.vocabulary.errors import RecordIncomplete
from nodes.vocabulary.events import EVENT, FinishedReason, PlanCreated, Step, StepStatus
from persistence.record import conversations, executions, plans
from persistence.record.conversations import AgentMessage, Conversation
from persistence.record.plans import PlanRow
from persistence.runs import approvals, events, intents, ledger, runs, usage
from persistence.runs.ledger import CallState, LedgerRow
from persistence.runs.runs import Run, RunStatus
from persistence.runs.usage import ModelCall, Usage
from persistence.scope import Scope

ANSWERED: Final = "answered"
INTENTS: Final = "intents"  # the one purpose whose answers stand in no conversation
OWN_STEPS: Final = "step"
TOLD: Final = frozenset({CallState.APPLIED, CallState.FAILED, CallState.DENIED, CallState.DRY})
CLOSED: Final = frozenset(because.code for because in Because)  # of calls that were under way when the run ended
ENDED: Final = frozenset({StepStatus.COMPLETED, StepStatus.FAILED})


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
    """What one run did.

    Attributes:
        is_whole: whether another run can go by all of it.
        kept_steps: the steps that ended, and whose lanes hold everything that was said and done there.
        planned_steps: all steps that a plan was announced with.
        intents: what the run might change, as JSON.
        intent_calls: what it cost to ask for that, each try.
        revisions: the plans whose making is known.
    """

    answers: Mapping[tuple[Lane, int], Said]
    outcomes: Mapping[tuple[Lane, str], LedgerRow]
    is_whole: bool
    kept_steps: frozenset[int]
    planned_steps: frozenset[int]
    intents: str
    intent_calls: list[Usage]
    revisions: list[Revision]

    def revision_of(self, step_number: int) -> int | None:
        """Return in which revision a step came up, counted from 0; None when in none that is known."""
        found = (place for place, plan in enumerate(self.revisions) if step_number in _numbers(plan.steps))
        return next(found, None)


async def read_record(scope: Scope, run_id: UUID) -> Record:
    """Return what is recorded of a run, as far as it is.

    Raises:
        RecordIncomplete: there is no such run, it has not ended, or its events were removed.
    """
    run = await runs.find(scope, run_id)
    if run is None or not run.finished or run.events_expired_at is not None:
        raise RecordIncomplete
    plan = await plans.begun(scope, run_id)
    tried = await executions.of_run(scope, run_id)
    given_up = {each.executor_agent_id for each in tried if each.status == "abandoned"}
    held = [each for each in await conversations.of_run(scope, run_id) if each.executor_agent_id not in given_up]
    talks = {lane: (talk, await conversations.messages(scope, talk.id)) for lane, talk in _lanes(held)}
    lane_of = {str(talk.id): lane for lane, (talk, _) in talks.items()}
    spent = [call for call in await usage.of_run(scope, run_id) if call.agent_id not in given_up]
    calls = [(*split(call.key), call) for call in await ledger.of_run(scope, run_id)]
    outcomes = {(lane_of[talk], place): call for talk, place, call in calls if talk in lane_of}
    answers, broken = _answers(talks, spent)
    broken |= {lane for (lane, _), call in outcomes.items() if not _is_told(call)}
    announced = [
        event.plan.steps
        for logged in await events.recorded(scope, run_id)
        if isinstance(event := EVENT.validate_json(logged.payload), PlanCreated)
    ]
    return Record(
        answers=answers,
        outcomes=outcomes,
        is_whole=not broken and await _went_well(scope, run, plan),
        kept_steps=_kept(plan, talks, broken),
        planned_steps=frozenset(number for steps in announced for number in _numbers(steps)),
        intents=await intents.of_run(scope, run_id) or "[]",
        intent_calls=[_usage(call) for call in spent if call.purpose == INTENTS and call.outcome == ANSWERED],
        revisions=_revisions(answers, announced),
    )


async def _went_well(scope: Scope, run: Run, plan: PlanRow | None) -> bool:
    """Say whether a run ended by its answer, in one go, and would again if nobody is asked."""
    if run.status != RunStatus.DONE or run.finished_reason != FinishedReason.STOP or run.crashes:
        return False
    if plan is not None and await approvals.said_no(scope, run.id):
        return False  # nobody says it again, so the run would look for another way
    said = await events.texts(scope, run.id)
    return CUT_OFF not in said and AGAIN not in said


def _is_told(call: LedgerRow) -> bool:
    """Say whether what a call came to is what its tool, or a rule, said of it."""
    return call.state in TOLD and call.error_code not in CLOSED


def _kept(plan: PlanRow | None, talks: "Talks", broken: Collection[Lane]) -> frozenset[int]:
    ended = [] if plan is None else [step for step in steps_of(plan) if step.status in ENDED]
    begun = {lane.step_number for lane in talks}
    lost = {lane.step_number for lane in broken}
    return frozenset(step.step_number for step in ended if step.step_number in begun - lost)


def _lanes(held: Sequence[Conversation]) -> Iterator[tuple[Lane, Conversation]]:
    seen = Counter[tuple[int | None, bool]]()
    for talk in held:
        kind = talk.step_number, talk.executor_agent_id is not None
        yield Lane(*kind, turn=seen[kind]), talk
        seen[kind] += 1


Talks = Mapping[Lane, tuple[Conversation, list[AgentMessage]]]


def _answers(talks: Talks, spent: Sequence[ModelCall]) -> tuple[dict[tuple[Lane, int], Said], set[Lane]]:
    """Return every stored answer at its place, with the model call that it came of; and the lanes that lack one.

    The calls of each agent for one end follow each other, and so do its stored answers. When they are not as many,
    none of them is known; when the last call had no answer, what it was for went on without one.
    """
    found: dict[tuple[Lane, int], Said] = {}
    broken = set[Lane]()
    for lanes, calls in _together(talks, spent):
        said = [(lane, message) for lane in lanes for message in talks[lane][1] if message.model_used is not None]
        said.sort(key=lambda each: each[1].created_at)
        answered = [call for call in calls if call.outcome == ANSWERED]
        if len(said) != len(answered):
            broken.update(lanes)
            continue
        if calls and calls[-1].outcome != ANSWERED:
            broken.update(lane for lane in lanes if lane == MAIN or talks[lane][0].status == "failed")
        for (lane, message), call in zip(said, answered, strict=True):
            found[lane, message.position] = Said(call.purpose, message, _usage(call))
    return found, broken


def _together(talks: Talks, spent: Sequence[ModelCall]) -> Iterator[tuple[list[Lane], list[ModelCall]]]:
    """Yield lanes with the calls that were made in them: the main one, the planner's own steps, each executor's."""
    of_executors = {talk.executor_agent_id for talk, _ in talks.values() if talk.executor_agent_id is not None}
    of_planner = [call for call in spent if call.agent_id not in of_executors and call.purpose != INTENTS]
    yield [lane for lane in talks if lane == MAIN], [call for call in of_planner if call.purpose != OWN_STEPS]
    own = [lane for lane in talks if lane.step_number is not None and not lane.is_executors]
    yield own, [call for call in of_planner if call.purpose == OWN_STEPS]
    for lane, (talk, _) in talks.items():
        if lane.is_executors:
            yield [lane], [call for call in spent if call.agent_id == talk.executor_agent_id]


def split(key: str) -> tuple[str, str]:
    """Return the conversation that a call's key begins with, and the rest: its place there, and what was called."""
    conversation_id, _, place = key.partition(":")
    return conversation_id, place


def _revisions(answers: Mapping[tuple[Lane, int], Said], announced: Sequence[list[Step]]) -> list[Revision]:
    """Return each announced plan with the answer that it was made of: of those for one end, the last.

    A revision that failed was the last try, so the announced ones are the first.
    """
    drafts = sorted((place, said.purpose) for (lane, place), said in answers.items() if lane == MAIN)
    first = [place for place, purpose in drafts if purpose in {"decide", "repair"}][-1:]
    places = [*first, *(place for place, purpose in drafts if purpose == "replan")]
    return [Revision(steps, place) for steps, place in zip(announced, places, strict=False)]


def _numbers(steps: Sequence[Step]) -> set[int]:
    return {step.step_number for step in steps}


def _usage(call: ModelCall) -> Usage:
    return Usage(call.prompt_tokens or 0, call.completion_tokens or 0, call.cached_tokens or 0)
