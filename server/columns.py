"""The columns of a row, for another row that holds them and more."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def columns_of(row: "DataclassInstance") -> dict[str, Any]:
    """Return a row's columns by their names."""
    return {column.name: getattr(row, column.name) for column in fields(row)}
