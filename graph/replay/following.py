"""A run that goes by the record of another: in whose place its models and its tools speak, and how far."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from langchain_core.language_models import BaseChatModel

from graph.replay.record import INTENTS, MAIN, Lane, Record, read_record, split
from graph.replay.recorded_model import RecordedModel
from nodes.planning.rules import PLAN_TOOL
from nodes.vocabulary.errors import RecordIncomplete
from nodes.vocabulary.events import Step
from nodes.vocabulary.stand_in import Place
from persistence.pools import Database
from persistence.record import conversations
from persistence.runs.runs import Run, Writes
from persistence.runs.usage import Usage
from persistence.scope import Identity, Role
from tools.arguments import parse_object
from tools.conduct import Conduct, Outcome
from tools.errors import ArgumentsInvalid
from tools.intents import INTENTS_TOOL
from tools.outcomes import replayed


@dataclass(frozen=True, slots=True)
class Reworded:
    """A step that is to do something else than the recorded plan says."""

    step_number: int
    words: str

    def call(self, made: dict[str, str]) -> dict[str, str]:
        """Return a call as it was made, but that a plan says the step in other words."""
        if made["name"] != PLAN_TOOL:
            return made
        try:
            draft = parse_object(made["arguments"])
        except ArgumentsInvalid:
            return made
        steps = draft.get("steps")
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, dict) and self.step_number in (step.get("stepNumber"), step.get("step_number")):
                step["description"] = self.words
        return {**made, "arguments": json.dumps(draft, ensure_ascii=False)}


@dataclass(frozen=True, slots=True)
class Way:
    """How far a run goes by a record: all of it, or the planner's conversation to a position and some steps whole."""

    whole: bool = True
    last_position: int = 0
    steps: frozenset[int] = frozenset()
    reworded: "Reworded | None" = None

    def holds(self, lane: Lane, position: int) -> bool:
        """Say whether what stands there is taken from the record."""
        if self.whole:
            return True
        return position <= self.last_position if lane == MAIN else lane.step_number in self.steps


async def following(database: Database, identity: Identity, run: Run) -> "Following | None":
    """Return who answers in a run in place of models and tools; None in a run that asks and does everything itself.

    Raises:
        RecordIncomplete: the record that it goes by is not whole, or not there any more.
    """
    if run.writes != Writes.RECORDED and run.from_step is None:
        return None
    if run.replay_of is None:
        raise RecordIncomplete
    async with database.acting(Role.WORKER, identity) as scope:
        record = await read_record(scope, run.replay_of)
    if run.from_step is not None:
        way = way_from(record, run.from_step)
        if run.step_words is not None:
            way = replace(way, reworded=Reworded(run.from_step, run.step_words))
        return Following(database, identity, record, way)
    if not record.is_whole:
        raise RecordIncomplete
    return Following(database, identity, record)


def conduct_of(run: Run, stand_in: "Following | None") -> Conduct:
    """Return how the calls of a run are made."""
    dry = run.writes == Writes.DRY
    return Conduct(stand_in, dry=dry, needs_intents=not dry and (stand_in is None or stand_in.needs_intents))


def way_from(record: Record, step_number: int) -> Way:
    """Return the way of a run that does a step anew: what does not rest on the step stays as it was, if it is kept.

    Raises:
        RecordIncomplete: how its plan came about is not recorded.
    """
    place = record.revision_of(step_number)
    if place is None:
        raise RecordIncomplete
    plan = record.revisions[place]
    anew = with_dependants(plan.steps, step_number)
    known = {step.step_number for revision in record.revisions[: place + 1] for step in revision.steps}
    return Way(whole=False, last_position=plan.position, steps=record.kept_steps & known - anew)


def with_dependants(steps: Collection[Step], step_number: int) -> set[int]:
    """Return a step and all that wait for it, directly or not."""
    found = {step_number}
    for _ in steps:
        found |= {step.step_number for step in steps if found & set(step.depends_on)}
    return found


@dataclass(slots=True)
class Following:
    """Answers for models and tools as far as the way goes. Implements `StandIn` and `Outcomes`.

    It keeps nothing of how far the run has come: an answer is found by where it
    is going to stand, so a run that was taken up again finds its own.
    """

    database: Database
    identity: Identity
    record: Record
    way: Way = field(default_factory=Way)
    lanes: Final[dict[UUID, Lane]] = field(default_factory=dict[UUID, Lane])
    intents_told: int = 0

    @property
    def needs_intents(self) -> bool:
        """Say whether the run asks what it may change: a replay does when its original did."""
        return not self.way.whole or bool(self.record.intent_calls)

    async def model_for(self, purpose: str, place: Place | None) -> BaseChatModel | None:
        """Return who says what was said there.

        Raises:
            RecordIncomplete: nothing was.
        """
        if place is None:
            return self._intents() if purpose == INTENTS and self.way.whole else None
        lane = await self._lane(place.conversation_id)
        if not self.way.holds(lane, place.position):
            return None
        said = self.record.answers.get((lane, place.position))
        if said is None or said.purpose != purpose:
            raise RecordIncomplete
        calls = [{"name": call["name"], "arguments": call["arguments"]} for call in said.message.tool_calls or []]
        if self.way.reworded is not None:
            calls = [self.way.reworded.call(made) for made in calls]
        return RecordedModel(
            said=said.message.content,
            calls=calls,
            reasoning=said.message.reasoning,
            usage=said.usage,
        )

    async def outcome_of(self, key: str) -> Outcome | None:
        """Return what the call there came to.

        Raises:
            RecordIncomplete: there was none.
        """
        conversation_id, place = split(key)
        lane = await self._lane(UUID(conversation_id))
        if not self.way.holds(lane, int(place.partition(":")[0])):
            return None
        row = self.record.outcomes.get((lane, place))
        if row is None:
            raise RecordIncomplete
        return Outcome(replayed(row), row.duration_ms or 0)

    def _intents(self) -> RecordedModel:
        """Return who says what the run might change; of several tries, the last one was read."""
        asked = self.record.intent_calls
        self.intents_told += 1
        calls = [{"name": INTENTS_TOOL, "arguments": f'{{"changes": {self.record.intents}}}'}]
        usage = asked[self.intents_told - 1] if self.intents_told <= len(asked) else Usage()
        is_last = self.intents_told >= len(asked)
        return RecordedModel(said="", calls=calls if is_last else [], reasoning=None, usage=usage)

    async def _lane(self, conversation_id: UUID) -> Lane:
        if conversation_id not in self.lanes:
            async with self.database.acting(Role.WORKER, self.identity) as scope:
                part = await conversations.part_of(scope, conversation_id)
            self.lanes[conversation_id] = Lane(part.step_number, part.is_executors, part.turn)
        return self.lanes[conversation_id]
