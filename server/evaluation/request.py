"""The data set: sixty requests over the demo workspace, and what is right for each of them."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter

from nodes.vocabulary.events import Strategy

DATA: Final = Path(__file__).with_name("requests.json")

OneOf = Annotated[str, StringConstraints(min_length=1)]
"""A text, or several of which one is enough, with `|` between them."""

Change = Literal["created", "changed", "deleted"]


class Data(BaseModel):
    """Root of what the file holds: nothing in it is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Effect(Data):
    """One row of the workspace that came, changed or went. `to` are values that it has then, those that count."""

    change: Change
    table: str
    name: str
    to: dict[str, JsonValue] = {}


class Note(Data):
    """A note that the workspace has besides."""

    title: str
    content: str


class Expected(Data):
    """What is right: routes, tools that are called, all effects there are, and what the answer says or must not say."""

    route: Annotated[tuple[Strategy, ...], Field(min_length=1)]
    tools: tuple[OneOf, ...] = ()
    effects: tuple[Effect, ...] = ()
    facts: tuple[OneOf, ...] = ()
    never: tuple[str, ...] = ()


class Request(Data):
    """One request, after what was said in its session `before`."""

    id: str
    request: str
    before: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    expected: Expected


def read() -> tuple[Request, ...]:
    """Return the requests, in their order."""
    return TypeAdapter(tuple[Request, ...]).validate_json(DATA.read_bytes())
