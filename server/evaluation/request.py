"""The data set: sixty requests over the demo workspace, and what is right for each of them."""

from datetime import datetime, time, timedelta
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


class Moment(Data):
    """A moment as it is said: so many days after that of asking, at a time of the day, both where the person is."""

    days: int
    time: time

    def seen_from(self, asked_at: datetime) -> datetime:
        """Return the moment that is meant, given when it was said, on the person's clock."""
        return datetime.combine(asked_at.date() + timedelta(days=self.days), self.time, asked_at.tzinfo)


class Effect(Data):
    """One row of the workspace that came, changed or went.

    `to` are values that it has then, those that count; another row is told by
    its name. `at` are moments that it has then.
    """

    change: Change
    table: str
    name: str
    to: dict[str, JsonValue] = {}
    at: dict[str, Moment] = {}


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
    """One request, after what was said in its session `before`, by a person in `time_zone` or wherever."""

    id: str
    request: str
    before: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    time_zone: str | None = None
    expected: Expected


def read() -> tuple[Request, ...]:
    """Return the requests, in their order."""
    return TypeAdapter(tuple[Request, ...]).validate_json(DATA.read_bytes())
