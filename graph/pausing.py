"""The pause of a run: one transaction in which it asks a person, and waits.

Everything the person sees is described before it, from the rows as they stand,
and the digest is over just that: a decision is on these calls and no others.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from graph.ending import told_of
from nodes.vocabulary.context import Context
from nodes.vocabulary.events import ApprovalBody, AwaitedCall, ChangeBody, Done, FinishedReason
from persistence.runs import approvals, ledger, usage
from persistence.runs.approvals import Approval, NewCall
from persistence.runs.ledger import CallState
from persistence.text import shortened
from persistence.visible import visible
from tools.arguments import canonical, parse_object, validated
from tools.describing.calls import described

ABRIDGED_CHARS: Final = 200  # of each text, when all in full would be too long; `tool_call` has shown them


async def pause(context: Context, call_ids: Sequence[UUID], hours: float) -> None:
    """Ask about these calls and put the run down until somebody decides, or the hours are over.

    Raises:
        CancelRequested: the run is to be stopped instead.
        Fenced: another attempt holds the run.
    """
    calls = [await _described(context, call_id) for call_id in call_ids]
    async with context.writing() as scope:
        position = await approvals.next_position(scope, context.run_id)
        digest = digest_of(position, calls)
        approval = await approvals.insert(scope, context.run_id, position, digest, hours, calls)
        done = Done(
            usage=told_of(await usage.total(scope, context.run_id)),
            finished_reason=FinishedReason.APPROVAL_REQUIRED,
            approval=_fitting(approval, calls, context.limits.event_bytes),
        )
        context.log.emit(scope, (approvals.pause_key(position), done))
        await approvals.wait(scope, context.run_id)


def digest_of(position: int, calls: Sequence[NewCall]) -> str:
    """Return the SHA-256 of what a person is asked: the calls in order, what they are about and what they change."""
    asked: list[JsonValue] = [
        [str(call.call_id), call.outcome_unknown, call.tool, call.arguments, call.target, call.changes]
        for call in calls
    ]
    return hashlib.sha256(canonical({"position": position, "calls": asked}).encode()).hexdigest()


async def _described(context: Context, call_id: UUID) -> NewCall:
    async with context.writing() as scope:
        row = await ledger.find(scope, call_id)
    assert row is not None, "a call is frozen before it waits"
    tool = context.registry.find(row.tool)
    assert tool is not None, "only a call of a tool that there is waits"
    description = await described(tool, validated(tool, row.arguments), context.gateway.reader)
    return NewCall(
        call_id=call_id,
        outcome_unknown=row.state == CallState.UNKNOWN,
        tool=row.tool,
        arguments=row.arguments,
        target=visible(description.target),
        changes=_visible([change.as_json() for change in description.changes]),
    )


def _visible(changes: list[JsonValue]) -> list[JsonValue]:
    """Return changes that hide nothing: a name can turn its own letters round."""
    shown: list[JsonValue] = json.loads(visible(json.dumps(changes, ensure_ascii=False)))
    return shown


def _fitting(approval: Approval, calls: Sequence[NewCall], most_bytes: int) -> ApprovalBody:
    """Return what is shown; with long texts abridged when an event could not hold them."""
    body = _body(approval, calls, None)
    return body if len(body.model_dump_json()) <= most_bytes else _body(approval, calls, ABRIDGED_CHARS)


def _body(approval: Approval, calls: Sequence[NewCall], chars: int | None) -> ApprovalBody:
    shown = [
        AwaitedCall(
            id=call.call_id,
            tool=call.tool,
            target=call.target,
            arguments={name: _abridged(value, chars) for name, value in parse_object(call.arguments).items()},
            changes=[ChangeBody.model_validate(_abridged(change, chars)) for change in call.changes],
            unknown=call.outcome_unknown,
        )
        for call in calls
    ]
    return ApprovalBody(id=approval.id, digest=approval.digest, expires_at=approval.expires_at, calls=shown)


def _abridged(value: JsonValue, chars: int | None) -> JsonValue:
    match value:
        case str() if chars is not None:
            return shortened(value, chars)
        case dict():
            return {name: _abridged(inner, chars) for name, inner in value.items()}
        case list():
            return [_abridged(inner, chars) for inner in value]
        case _:
            return value
