"""Write intents: what a run may change, as its person's own words say, and whether that covers a call.

They are taken before a run's first write by a model that is shown these words and
nothing else, so no text of the workspace, of a tool or of another agent has a part
in them. What they do not cover waits for the person: `tools/consent.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue, TypeAdapter

from persistence.workspace.tasks import Task
from tools.describing.subjects import Subject
from tools.fields import MAX_TITLE_CHARS, OneOrMore
from tools.registry import Registry
from tools.tool import AnyTool, Args, Caller, Effect, function_schema
from tools.write.updates import Updates

INTENTS_TOOL: Final = "allow_changes"
MAX_INTENTS: Final = 24  # more than any request names
MAX_NAMES: Final = 20

_CHOICES: Final = frozenset({"task_status", "task_priority", "project_status"})
_TITLES: Final = frozenset({"task_title", "event_title", "project_name"})
_PRIORITIES: Final = frozenset({"low", "medium", "high"})
_WORD: Final = re.compile(r"\w+")
_FILLERS: Final = frozenset(
    {"a", "an", "the", "my", "our", "this", "that", "it", "to", "of", "for", "in", "on", "at", "and"}
    | {"task", "event", "meeting", "project", "note"}
)

Which = Literal["overdue", "backlog", "in_progress", "blocked", "done", "low", "medium", "high"]
Name = Annotated[str, Field(max_length=MAX_TITLE_CHARS)]


class Intent(Args):
    """One kind of change that the person asked for, and of what."""

    change: str = Field(description="The kind of change. time: when a task or an event is, how long, how often.")
    names: Annotated[list[Name], OneOrMore] = Field(
        max_length=MAX_NAMES,
        description="Each thing that the person named, in their own words, without the words around the name; of a new "
        "one its title. Empty only when they named none: they described a set, or left it to the assistant.",
    )
    which: Annotated[list[Which], OneOrMore] = Field(
        default=[], description="Of a set of tasks: those that are overdue, have this status or this priority."
    )
    to: str | None = Field(
        default=None, description="The status, priority or title that it becomes: done, high, archived …"
    )
    at_most: int | None = Field(default=None, ge=1, description="How many new ones, when that can be counted.")


class AllowChanges(Args):
    """Name every change that the person's own words ask for; an empty list when they ask for none."""

    changes: Annotated[list[Intent], Field(max_length=MAX_INTENTS)]


Intents = tuple[Intent, ...]
NOTHING: Final[Intents] = ()
_STORED: Final = TypeAdapter(Intents)


def intents_schema(registry: Registry) -> dict[str, JsonValue]:
    """Return the tool by which a model says what was asked for, with the kinds of change that there are here."""
    schema: dict[str, JsonValue] = deepcopy(function_schema(INTENTS_TOOL, AllowChanges))
    _change_of(schema)["enum"] = [*kinds_of_change(registry)]
    return schema


def kinds_of_change(registry: Registry) -> list[str]:
    """Return every kind of change that the tools here can make."""
    return [*dict.fromkeys(kind for tool in registry.tools.values() for kind in _kinds(tool))]


def as_json(intents: Intents) -> list[JsonValue]:
    """Return intents as they are stored."""
    return [intent.model_dump(mode="json") for intent in intents]


def from_json(text: str) -> Intents:
    """Return stored intents."""
    return _STORED.validate_json(text)


def covers(intents: Sequence[Intent], tool: AnyTool, args: Args, subject: Subject | None, caller: Caller) -> bool:
    """Say whether everything that a call would change was asked for, of just this row.

    What leaves the workspace has to go where the person named: a set is not enough.
    """
    naming = [intent for intent in intents if intent.names or tool.effect is Effect.LOCAL or subject is None]
    return all(
        any(_allows(intent, kind, value, subject, caller.now) for intent in naming)
        for kind, value in _changes(tool, args, subject)
    )


def most(intents: Sequence[Intent], tool: AnyTool) -> int | None:
    """Return how many calls of a tool that makes something new were asked for; None when that was not counted."""
    counts = [intent.at_most for intent in intents if intent.change == tool.kinds.get("")]
    return None if not counts or None in counts else sum(count for count in counts if count is not None)


def _kinds(tool: AnyTool) -> Iterator[str]:
    if tool.access == "write":
        yield from tool.kinds.values() or (tool.name,)


def _change_of(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    place: JsonValue = schema
    for name in ("function", "parameters", "$defs", "Intent", "properties", "change"):
        assert isinstance(place, dict), "a schema is made of objects"
        place = place[name]
    assert isinstance(place, dict), "a schema is made of objects"
    return place


def _changes(tool: AnyTool, args: Args, subject: Subject | None) -> Iterator[tuple[str, object]]:
    """Yield each kind of change that a call comes to, with its value; a value that the row has already is none."""
    if not tool.kinds:
        yield tool.name, None
        return
    if "" in tool.kinds:
        yield tool.kinds[""], None
    row = None if subject is None else subject.row
    for name, value in _given(args).items():
        if name in tool.kinds and (row is None or getattr(row, name, _ABSENT) != value):
            yield tool.kinds[name], value
        elif isinstance(getattr(args, "updates", None), Updates) and name not in tool.kinds:
            yield tool.name, value


_ABSENT: Final = object()


def _given(args: Args) -> Mapping[str, object]:
    updates: object = getattr(args, "updates", None)
    if isinstance(updates, Updates):
        return updates.given()
    return {name: getattr(args, name) for name in args.model_fields_set}


def _allows(intent: Intent, kind: str, value: object, subject: Subject | None, now: datetime) -> bool:
    if intent.change != kind or not _becomes(intent, kind, value):
        return False
    if subject is None:
        return True
    named = not intent.names or any(_is_name_of(name, text) for name in intent.names for text in subject.texts)
    return named and (not isinstance(subject.row, Task) or _is_one_of(subject.row, intent.which, now))


def _becomes(intent: Intent, kind: str, value: object) -> bool:
    """Say whether a value is the one that was asked for, where one was."""
    if intent.to is None:
        return True
    if kind in _TITLES:
        return _is_name_of(intent.to, str(value))
    return kind not in _CHOICES or "_".join(intent.to.casefold().split()) == value


def _is_name_of(name: str, text: str) -> bool:
    """Say whether a text is what a name means: most of the words of the shorter of the two are in both."""
    one, other = _words(name), _words(text)
    if not one or not other:
        return name.strip().casefold() in text.casefold() and bool(name.strip())
    return 2 * len(one & other) > min(len(one), len(other))


def _words(text: str) -> frozenset[str]:
    words = {word.rstrip("s") or word for word in _WORD.findall(text.casefold())}
    return frozenset(words - _FILLERS)


def _is_one_of(task: Task, which: Sequence[Which], now: datetime) -> bool:
    statuses = {word for word in which if word not in _PRIORITIES and word != "overdue"}
    priorities = _PRIORITIES.intersection(which)
    late = task.status != "done" and task.start_date is not None and task.start_date < now
    return (
        (not statuses or task.status in statuses)
        and (not priorities or task.priority in priorities)
        and (late or "overdue" not in which)
    )
