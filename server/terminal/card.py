"""The calls that a run waits for, as a card: what each is about and what it changes, in a few lines.

What a model wrote goes in as printable text, and what is cut is marked: nobody
approves what was not shown.
"""

import json
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from nodes.vocabulary.events import ApprovalBody, AwaitedCall, ChangeBody
from server.terminal.printable import one_line
from server.terminal.wording import counted

VALUE_CHARS: Final = 400  # as much as the server shows of a value
NAME_CHARS: Final = 200
UNKNOWN: Final = "It has begun before, and nobody knows whether it took effect. To approve is to run it again."


def card(approval: ApprovalBody) -> Iterator[str]:
    """Yield the card's lines; the calls are numbered from 1."""
    until = approval.expires_at.astimezone().strftime("%a %d %b, %H:%M")
    yield f"{counted(len(approval.calls), 'call')} to approve until {until}:"
    for number, call in enumerate(approval.calls, start=1):
        yield f"  {number}  {one_line(call.target, NAME_CHARS)} ({one_line(call.tool, NAME_CHARS)})"
        yield from (f"       {line}" for line in _details(call))


def _details(call: AwaitedCall) -> Iterator[str]:
    if call.unknown:
        yield UNKNOWN
    if call.changes:
        yield from map(_change, call.changes)
    else:
        yield from (f"{one_line(name, NAME_CHARS)}: {_value(value)}" for name, value in call.arguments.items())


def _change(change: ChangeBody) -> str:
    name, after = one_line(change.field, NAME_CHARS), _value(change.after)
    return f"{name}: {after}" if change.before is None else f"{name}: {_value(change.before)} → {after}"


def _value(value: JsonValue) -> str:
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text, VALUE_CHARS)
