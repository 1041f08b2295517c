"""Start the read steps of a plan while its planner is still writing it.

Each is stored before an executor works on it, in a plan of revision 0, and its
events are held: `make_plan` announces the finished plan, and with it what was
done until then. A planner that is asked again, because its model failed or its
worker died, finds the steps where they stand, if it writes the same ones.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from nodes.asking.ask import ArgumentPiece
from nodes.planning.draft_plans import abandon_draft, kept_steps
from nodes.planning.plan_rows import as_rows, steps_of
from nodes.planning.rules import PLAN_TOOL
from nodes.planning.sound_prefix import SoundPrefix
from nodes.planning.steps import Steps
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import Step, StepStatus
from nodes.vocabulary.held_log import HeldLog
from nodes.vocabulary.journal import ToolEvents
from persistence.record import executions, plans
from persistence.record.executions import Execution
from persistence.record.plans import DRAFT, NewPlan, PlanRow


class EarlySteps:
    """Listens to one planner; starts what its plan allows. The tasks are the context's, and joined by `run_plan`."""

    def __init__(self, context: Context, planner_id: UUID) -> None:
        self._context: Final = context
        self._planner_id: Final = planner_id
        self._prefix = SoundPrefix(context.registry, context.limits)
        self._call: int | None = None
        self._draft: PlanRow | None = None
        self._tried = list[Execution]()

    async def begin(self) -> None:
        """Forget the answer so far, since another one begins; the work on its steps stays where it is."""
        await self._context.early.stop()
        self._prefix = SoundPrefix(self._context.registry, self._context.limits)
        self._call = self._draft = None

    async def hear(self, pieces: Sequence[ArgumentPiece]) -> None:
        """Take what was written of calls; only the first plan counts."""
        new: list[Step] = []
        for piece in pieces:
            if piece["name"] == PLAN_TOOL and self._call in {None, piece["place"]}:
                self._call = piece["place"]
                new += self._prefix.take(piece["arguments"])
        if new:
            await self._start(new)

    async def drop(self) -> None:
        """Give the plan up: there will be none."""
        await self._context.early.stop()
        if self._draft is not None:
            async with self._context.writing() as scope:
                await abandon_draft(scope, self._draft, self._context.run_id)
            self._draft = None

    async def _start(self, new: Sequence[Step]) -> None:
        """Store new steps and begin them; one whose number stands for another step since a crash waits for the plan."""
        draft = await self._stored(new)
        begun = {step.step_number: step for step in steps_of(draft)}
        kept = kept_steps(draft, self._prefix.given)
        tasks = self._context.early.by_number
        for step in new:
            if step.step_number in kept:
                before = [tasks[number] for number in step.depends_on]
                self._context.early.start(step.step_number, self._work(draft.id, begun[step.step_number], before))

    async def _stored(self, new: Sequence[Step]) -> PlanRow:
        """Return the draft with these steps in it, and with those that an earlier attempt began."""
        context = self._context
        async with context.writing() as scope:
            if self._draft is None:
                self._draft = await plans.insert_or_find(
                    scope,
                    NewPlan(
                        session_id=context.session_id,
                        run_id=context.run_id,
                        planner_agent_id=self._planner_id,
                        user_message=context.request,
                        steps=as_rows(new),
                        revision=DRAFT,
                    ),
                )
                assert self._draft.is_draft, "a planner that may plan has no plan yet"
                self._tried = await executions.of_run(scope, context.run_id)
            begun = {step.step_number for step in steps_of(self._draft)}
            if added := as_rows([step for step in new if step.step_number not in begun]):
                plans.add_steps(scope, self._draft.id, added)
        context.memory.is_drafted = True
        self._draft = replace(self._draft, steps=[*self._draft.steps, *added])
        return self._draft

    async def _work(self, plan_id: UUID, step: Step, before: Sequence[asyncio.Task[Step]]) -> Step:
        """Run a step when those before it have ended; return it as it ended itself."""
        if before:
            await asyncio.wait(before)
        ended = [task.result() for task in before]
        if step.status not in {StepStatus.PENDING, StepStatus.EXECUTING}:
            return step
        failed = next((each.step_number for each in ended if each.status is not StepStatus.COMPLETED), None)
        async with self._context.early.places:
            steps = Steps(self._quiet(step.step_number), plan_id, self._planner_id, [*ended, step], self._tried)
            await steps.act(step.step_number, failed)
        return steps.by_number[step.step_number]

    def _quiet(self, number: int) -> Context:
        """Return the context of a step that nobody is told of before its plan."""
        context = self._context
        log = HeldLog(context.log.told, context.log.most_bytes, run_id=context.run_id, step_number=number)
        return replace(context, log=log, gateway=context.gateway.telling(ToolEvents(log, context.counters)))
