"""Where a node stops until a person has decided on some calls: LangGraph's interrupt, and what it carries.

The tables are the truth of what was decided. A graph that is resumed runs its
node again from the top, and every resume it ever had lets one `wait_for_person`
of it pass; so whoever waits asks the tables in a loop.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from langgraph.types import Interrupt, interrupt
from pydantic import TypeAdapter

_IDS: Final = TypeAdapter(list[UUID])


def wait_for_person(calls: Iterable[UUID]) -> None:
    """Stop the graph here, before these calls of the ledger."""
    interrupt([str(call) for call in calls])


def awaited(interrupts: Iterable[Interrupt]) -> list[UUID]:
    """Return the calls that a stopped graph waits for."""
    return [call for stopped in interrupts for call in _IDS.validate_python(stopped.value)]
