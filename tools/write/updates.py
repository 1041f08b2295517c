"""The `updates` of an update tool: some of a row's fields, and only those."""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydantic import JsonValue, model_validator

from tools.errors import ArgumentsInvalid
from tools.tool import Args

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


class Updates(Args):
    """Fields to change. A null counts as not given, but empties a field in `clearable`."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _only_known_fields(cls, given: JsonValue) -> JsonValue:
        """Name the fields that are allowed when none or another one is given.

        Raises:
            ArgumentsInvalid: straight to the caller; a field of pydantic's report has no room for the names.
        """
        if not isinstance(given, dict):
            return given
        names = {field.alias or name: name for name, field in cls.model_fields.items()}
        meant = {names.get(name, name): value for name, value in given.items()}
        kept = {name: value for name, value in meant.items() if value is not None or name in cls.clearable}
        unknown = sorted(meant.keys() - names.values())
        if unknown:
            raise ArgumentsInvalid(f"No field to update is named “{unknown[0][:60]}”. {cls._allowed()}")
        if not kept:
            raise ArgumentsInvalid(f"There is nothing to update. {cls._allowed()}")
        return kept

    @classmethod
    def _allowed(cls) -> str:
        return f"The fields are: {', '.join(cls.model_fields)}."

    def given(self) -> dict[str, object]:
        """Return the fields that were given, with their new values."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def differing(row: object, wanted: dict[str, object]) -> dict[str, object]:
    """Return those of the wanted values that the row does not have yet."""
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}


def with_changes(row: Row, changes: dict[str, object]) -> Row:
    """Return the row with the changes made; their values were checked by an `Updates`."""
    return replace(row, **changes)
