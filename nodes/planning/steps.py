"""Run one step of a plan, by an executor or by the planner itself.

A step's rows, its place in the plan and its event are written in one
transaction, before anything that depends on it is released.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from nodes.asking.conversation import Conversation, told
from nodes.asking.render import clock_words, render
from nodes.planning.plan_rows import as_row, execution_event, executor_event
from nodes.planning.results import kept, reason, shown
from nodes.planning.worker import Work, submit_schema, work_through
from nodes.vocabulary.context import Context
from nodes.vocabulary.errors import CallsSpent
from nodes.vocabulary.events import (
    Event,
    ExecutorSpawned,
    ExecutorTask,
    Step,
    StepCompleted,
    StepStarted,
    StepStatus,
)
from nodes.vocabulary.model_failure import ModelFailure
from nodes.vocabulary.tracing import tag, work_name
from persistence.record import agents, conversations, executions, plans
from persistence.record.agents import NewExecutor
from persistence.record.conversations import NewMessage, Opening
from persistence.record.executions import Cost, Execution, NewExecution, Outcome
from persistence.runs import ledger
from persistence.runs.ledger import CallState
from persistence.scope import Scope
from persistence.text import shortened
from tools.gateway import Holder
from tools.tool import Access

TITLE_CHARS: Final = 60
CONSTRAINTS: Final = ("Read only.", "Report only what a tool returned.")


class Steps:
    """The steps of one plan while it runs. Holds each step as it stands now."""

    def __init__(
        self, context: Context, plan_id: UUID, planner_id: UUID, steps: list[Step], tried: Sequence[Execution]
    ) -> None:
        self._context: Final = context
        self._plan_id: Final = plan_id
        self._planner_id: Final = planner_id
        self._tried: Final = tried
        self.by_number: Final = {step.step_number: step for step in steps}
        self.waiting: Final[list[UUID]] = []  # the calls of steps that have not ended because a person has to decide

    async def act(self, number: int, blocked_by: int | None) -> bool | None:
        """Run a step, or mark it skipped when a step before it failed; say whether it succeeded, None if it waits."""
        step = self.by_number[number]
        if blocked_by is not None:
            await self._end(step, StepStatus.SKIPPED, error=f"Skipped because step {blocked_by} did not succeed.")
            return False
        if step.executor_required:
            return await self._execute(step)
        return await self._do_myself(step)

    async def _execute(self, step: Step) -> bool:
        """Give a step to an executor; to another one when it failed for a passing reason.

        One that was at work when its worker died goes on. Attempts are counted over all workers;
        what was abandoned was for a step that is in no plan.
        """
        of_it = [execution for execution in self._tried if execution.step_number == step.step_number]
        tried = [execution for execution in of_it if execution.status != "abandoned"]
        left = tried.pop() if tried and tried[-1].status == "executing" else None
        for attempt in count(len(tried) + 1):
            shift = self._spawn(step) if left is None else await self._taken_up(step, left)
            left = None
            passing = await self._bounded(shift.work, "executor", step)
            again = passing and attempt < self._context.limits.step_attempts
            if not shift.work.ended:
                async with self._context.writing() as scope:
                    shift.work.begin(scope)
                    await self._return(scope, step, shift.execution_id, shift.work, last=not again)
            if not again:
                break
        return self.by_number[step.step_number].status is StepStatus.COMPLETED

    async def _bounded(self, work: Work, who: str, step: Step) -> bool:
        """Let an agent work in bounded time; say whether it failed for a reason that may pass."""
        name = work_name(who, step.step_number, shortened(step.description, TITLE_CHARS))
        tags = [tag("plan", self._plan_id), tag("step", step.step_number)]
        try:
            async with asyncio.timeout(self._context.limits.step_seconds):
                await work_through(work, name, tags)
        except TimeoutError:
            if work.ended:
                return False
            work.failure = f"It took longer than {self._context.limits.step_seconds:.0f} seconds."
            return True
        except ModelFailure as failure:
            work.failure = str(failure)
            return failure.retryable
        except CallsSpent as spent:
            work.failure = str(spent)
        return False

    def _spawn(self, step: Step) -> "_Shift":
        """Return the work of a new executor; it is written down and announced with its first model call."""
        context = self._context
        system = render("executor", now=clock_words(context.now, context.time_zone), time_zone=context.time_zone.key)
        before = [self.by_number[number] for number in step.depends_on]
        task = render(
            "executor_task",
            task=step.description,
            goal=shortened(context.request, context.limits.result_chars),
            constraints="\n".join(f"- {constraint}" for constraint in CONSTRAINTS),
            results=shown(before, context.limits.result_chars),
        )
        executor = NewExecutor(
            session_id=context.session_id,
            run_id=context.run_id,
            plan_id=self._plan_id,
            name=shortened(step.description, TITLE_CHARS),
            tools=step.tools,
            system_prompt=system,
        )
        opening = self._opening(step, task, executor_id=executor.id)
        first = [NewMessage("system", "system", system), NewMessage("planner", "user", task, self._planner_id)]
        execution = NewExecution(self._plan_id, step.step_number, executor.id, opening.id, task, step.tools)
        conversation = Conversation(context, opening.id, [*first])
        spawned = ExecutorSpawned(
            executor_id=executor.id,
            step_number=step.step_number,
            task=ExecutorTask(
                id=execution.id, description=step.description, goal=context.request, constraints=list(CONSTRAINTS)
            ),
        )

        def begin(scope: Scope) -> None:
            agents.insert_executor(scope, executor)
            conversation.open(scope, opening, first)
            executions.insert(scope, execution)
            self._start(scope, step, (f"executor:{executor.id}", spawned))

        work = self._executor_work(step, execution.id, executor.id, conversation)
        work.beginning = begin
        return _Shift(execution.id, work)

    async def _taken_up(self, step: Step, left: Execution) -> "_Shift":
        """Return the work of an executor where it stood: what it was told and what its tools returned is stored."""
        conversation = await Conversation.load(self._context, left.agent_session_id)
        return _Shift(left.id, self._executor_work(step, left.id, left.executor_agent_id, conversation))

    def _executor_work(self, step: Step, execution_id: UUID, agent_id: UUID, conversation: Conversation) -> Work:
        async def ending(scope: Scope, work: Work) -> None:
            await self._return(scope, step, execution_id, work, last=True, cost=work.cost())

        registry = self._context.registry
        readable = [name for name in step.tools if name in registry.reading()]
        return Work(
            context=self._context,
            conversation=conversation,
            agent_id=agent_id,
            sender="executor",
            purpose="executor",
            models=self._context.executor,
            holder=Holder(agent_id, Access.READ, frozenset(readable), step.step_number, is_executor=True),
            tools=[*registry.schemas(readable), submit_schema()],
            turns=self._context.limits.executor_turns,
            ending=ending,
        )

    async def _return(
        self, scope: Scope, step: Step, execution_id: UUID, work: Work, *, last: bool, cost: Cost | None = None
    ) -> None:
        """Store what an executor came to; `last` also ends its step. What it cost is looked up when nobody knows."""
        result = work.handed_in
        success = work.failure is None and result is not None and result.status != "failed"
        data = None if result is None else kept(result)
        error = None if success else work.failure or reason(result)
        outcome = Outcome(success, data, error)
        if cost is not None:
            executions.finish_at(scope, execution_id, work.agent_id, work.conversation.id, outcome, cost)
            returned = executor_event(work.agent_id, step.step_number, outcome, cost)
        else:
            agents.finish(scope, work.agent_id, outcome.status)
            conversations.finish(scope, work.conversation.id, outcome.status)
            returned = execution_event(await executions.finish(scope, execution_id, outcome))
        if last:
            status = StepStatus.COMPLETED if success else StepStatus.FAILED
            self._put(scope, step, status, returned, result=data, error=error)
        else:
            self._context.log.emit(scope, returned)

    async def _do_myself(self, step: Step) -> bool | None:
        """Run a planner's own step, with the write tools that the plan gave it and no others; None if it waits."""
        conversation = await self._own_conversation(step)
        registry = self._context.registry
        names = [name for name in registry.names() if name in step.tools or name in registry.reading()]
        work = Work(
            context=self._context,
            conversation=conversation,
            agent_id=self._planner_id,
            sender="planner",
            purpose="step",
            models=self._context.planner,
            holder=Holder(self._planner_id, Access.WRITE, frozenset(names), step.step_number),
            tools=registry.schemas(names),
            turns=self._context.limits.planner_turns,
        )
        await self._bounded(work, "planner", step)
        if work.failure is not None:
            work.waiting = await self._context.gateway.cut_off(work.holder)
        if work.waiting:
            self.waiting.extend(work.waiting)
            return None
        error = work.failure or await self._failed_writes(step)
        result = None if work.handed_in is None else kept(work.handed_in)
        async with self._context.writing() as scope:
            conversations.finish(scope, conversation.id, "failed" if error else "completed")
            status = StepStatus.FAILED if error else StepStatus.COMPLETED
            self._put(scope, step, status, result=None if error else result, error=error)
        return error is None

    async def _own_conversation(self, step: Step) -> Conversation:
        """Return the planner's conversation over a step: the one it began before a crash, or a new one."""
        context = self._context
        before = [self.by_number[number] for number in step.depends_on]
        task = render(
            "planner_step",
            number=str(step.step_number),
            task=step.description,
            goal=shortened(context.request, context.limits.result_chars),
            results=shown(before, context.limits.result_chars),
        )
        system = render("planner", now=clock_words(context.now, context.time_zone), time_zone=context.time_zone.key)
        async with context.writing() as scope:
            self._start(scope, step)
            begun = await conversations.of_step(scope, context.run_id, step.step_number)
            if begun is None:
                first = [NewMessage("system", "system", system), told(task)]
                opening = self._opening(step, task)
                conversation = Conversation.begin(context, opening, first)
                conversation.open(scope, opening, first)
                return conversation
        return await Conversation.load(context, begun)

    async def _failed_writes(self, step: Step) -> str | None:
        """Return why a step's writes failed, if some were tried and none took effect."""
        async with self._context.writing() as scope:
            calls = await ledger.of_run(scope, self._context.run_id)
        writes = [call for call in calls if call.step_number == step.step_number and call.access == "write"]
        if not writes or any(call.state in {CallState.APPLIED, CallState.DRY} for call in writes):
            return None
        last = writes[-1]
        if last.state == CallState.UNKNOWN:
            return f"It is not known whether {last.tool} took effect."
        return f"No change was made: {last.tool} was refused ({last.error_code})."

    def _opening(self, step: Step, task: str, executor_id: UUID | None = None) -> Opening:
        return Opening(
            parent_session_id=self._context.session_id,
            run_id=self._context.run_id,
            planner_agent_id=self._planner_id,
            context_type=self._context.context_type,
            entity_id=self._context.entity_id,
            initial_context=task,
            executor_agent_id=executor_id,
            plan_id=self._plan_id,
            step_number=step.step_number,
        )

    def _start(self, scope: Scope, step: Step, *more: tuple[str, Event]) -> None:
        running = step.model_copy(update={"status": StepStatus.EXECUTING})
        self.by_number[step.step_number] = running
        plans.put_step(scope, self._plan_id, step.step_number, as_row(running))
        self._context.log.emit(scope, (f"step_start:{step.step_number}", StepStarted(step=running)), *more)

    async def _end(self, step: Step, status: StepStatus, *, error: str) -> None:
        async with self._context.writing() as scope:
            self._put(scope, step, status, error=error)

    def _put(
        self,
        scope: Scope,
        step: Step,
        status: StepStatus,
        *before: tuple[str, Event],
        result: JsonValue = None,
        error: str | None,
    ) -> None:
        """Store how a step ended, and announce it, behind what comes before that."""
        ended = step.model_copy(update={"status": status, "result": result, "error": error})
        self.by_number[step.step_number] = ended
        plans.put_step(scope, self._plan_id, step.step_number, as_row(ended))
        self._context.log.emit(scope, *before, (f"step_complete:{step.step_number}", StepCompleted(step=ended)))


@dataclass(frozen=True, slots=True)
class _Shift:
    execution_id: UUID
    work: Work
