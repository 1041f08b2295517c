"""An honest answer without a model: put together from what was found and what was changed."""

from collections.abc import Sequence

from nodes.asking.answer_stream import say
from nodes.asking.call_words import message_of
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import Step, StepStatus
from persistence.record import plans
from persistence.runs import ledger
from persistence.runs.ledger import CallState, LedgerRow
from persistence.text import shortened

RESULT_CHARS = 600  # of one result, so that a dozen still read as an answer


async def say_what_is_known(context: Context, failure: Exception) -> None:
    """Stream the answer that needs no model, behind whatever a model said before it failed."""
    async with context.writing() as scope:
        plan = await plans.of_run(scope, context.run_id)
        calls = await ledger.of_run(scope, context.run_id)
        steps = [] if plan is None else [Step.model_validate(step) for step in plan.steps]
        await say(context, scope, "known", answer_from_results(failure, steps, calls))


def answer_from_results(failure: Exception, steps: Sequence[Step], calls: Sequence[LedgerRow]) -> str:
    """Return what is known, and why no model says it."""
    found = [_step_line(step) for step in steps] or [_call_line(call) for call in calls if call.access == "read"]
    changed = [_call_line(call) for call in calls if call.access == "write" and call.state == CallState.APPLIED]
    paragraphs = [f"The answer could not be written in full. {failure}"]
    if found:
        paragraphs.append("What was found:\n" + "\n".join(found))
    if changed:
        paragraphs.append("What was changed:\n" + "\n".join(changed))
    return "\n\n".join(paragraphs)


def _step_line(step: Step) -> str:
    match step.status:
        case StepStatus.COMPLETED:
            summary = step.result.get("summary") if isinstance(step.result, dict) else step.result
            return f"- {shortened(step.description, 120)}: {shortened(str(summary), RESULT_CHARS)}"
        case StepStatus.FAILED | StepStatus.SKIPPED:
            return f"- {shortened(step.description, 120)}: not done. {step.error or ''}".rstrip()
        case StepStatus.PENDING | StepStatus.EXECUTING:
            return f"- {shortened(step.description, 120)}: not reached."


def _call_line(call: LedgerRow) -> str:
    return f"- {shortened(message_of(call) or call.tool, RESULT_CHARS)}"
