"""What a person is shown of a call before it runs: what it is about, and what will be different after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeGuard
from uuid import UUID

from pydantic import JsonValue

from persistence.text import shortened
from tools.local_time import as_local
from tools.tool import Args, Caller

SHOWN_CHARS: Final = 400  # of one value; the call's own arguments have the whole text


@dataclass(frozen=True, slots=True)
class Change:
    """One field, as it stands and as it will stand; None where there is nothing."""

    field: str
    before: JsonValue
    after: JsonValue

    def as_json(self) -> JsonValue:
        """Return the change as events and tables hold it."""
        return {"field": self.field, "from": self.before, "to": self.after}


@dataclass(frozen=True, slots=True)
class Description:
    """A call in words. `name` is the target's own, when it is there and can be no other row's."""

    target: str
    changes: tuple[Change, ...] = ()
    name: str | None = None


def not_found(noun: str, row_id: UUID) -> Description:
    """Describe a call about a row that is not there, in the same words whether it is missing or someone else's."""
    return Description(f"the {noun} {row_id}, which was not found")


def given(args: Args, caller: Caller) -> tuple[Change, ...]:
    """Return each argument that was given, as something new."""
    return tuple(
        Change(name, None, shown(getattr(args, name), caller))
        for name in type(args).model_fields
        if name in args.model_fields_set
    )


def differences(row: object, changes: Mapping[str, object], caller: Caller) -> tuple[Change, ...]:
    """Return what these changes make of a row, field by field."""
    return tuple(
        Change(name, shown(getattr(row, name), caller), shown(value, caller)) for name, value in changes.items()
    )


def shown(value: object, caller: Caller) -> JsonValue:
    """Return a value as a person reads it: times in their zone, long texts shortened."""
    if _is_list(value):
        return [shown(item, caller) for item in value]
    match value:
        case None | bool() | int() | float():
            return value
        case datetime():
            return as_local(value, caller.time_zone)
        case date():
            return value.isoformat()
        case _:
            return shortened(str(value), SHOWN_CHARS)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)
