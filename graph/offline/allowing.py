"""Which changes a person's own words ask for: what the row of the table that a request fits would change.

Only the person's messages are shown here. Where one of them leans on an answer
("yes", "the second one"), it is what they asked before that counts.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from graph.offline import changing, creating, organising, undertaking
from graph.offline.dates import split_when
from graph.offline.following_up import AND, YES
from graph.offline.looking_up import is_pointing
from graph.offline.phrases import Words
from graph.offline.reading import Clock
from graph.offline.requests import Handler, read_as
from graph.offline.rows import Row
from graph.offline.tidying import tidied
from graph.offline.vocabulary import PRIORITY_BY_WORD, PROJECT_STATUS_BY_WORD, STATUS_BY_WORD

MAX_LOOK_BACK: Final = 2  # messages of the person

LEFT_OUT: Final = "left out]"  # a mark that stands for somebody's text: of such content nothing is known
_HEADING: Final = "\n# The message\n"
_WHICH: Final = MappingProxyType(
    {"overdue": "overdue", "late": "overdue", "high-priority": "high", "low-priority": "low"} | STATUS_BY_WORD
)
_STATUS: Final = ("task_status", "project_status")

# What the handlers change. One that is not named here only reads, or deletes, which is never allowed here.
CHANGES: Final[Mapping[Handler, tuple[str, ...]]] = MappingProxyType(
    {
        creating.note: ("new_note",),
        creating.brain_dump: ("new_brain_dump",),
        creating.task: ("new_task",),
        creating.schedule: ("time", "new_task"),
        creating.free_and_schedule: ("time", "new_task"),
        changing.clear_date: ("time",),
        changing.duration: ("time",),
        changing.move: ("time",),
        changing.rename: ("task_title",),
        changing.rename_event: ("event_title",),
        changing.rename_project: ("project_name",),
        changing.priority: ("task_priority",),
        changing.status_of_many: ("task_status",),
        changing.status_of_task: _STATUS,
        changing.status_of_project: ("project_status",),
        changing.status_by_verb: ("project_status",),
        changing.start: ("task_status",),
        changing.reopen: ("task_status",),
        changing.complete: _STATUS,
    }
)


def allowed(prompt: str, clock: Clock) -> list[Row]:
    """Return the intents in the person's words that a prompt shows."""
    before, _, message = prompt.partition(_HEADING)
    earlier = [line.removeprefix("- ") for line in before.splitlines()[1:] if line.startswith("- ")]
    return _of(_leaned_on(tidied(message), [tidied(text) for text in earlier]), clock)


def _leaned_on(short: str, earlier: Sequence[str]) -> str:
    """Return the request that a short message takes up, else itself."""
    for asked in reversed(earlier[-MAX_LOOK_BACK:]):
        found = read_as(asked)
        if found is None:
            continue
        if YES.fullmatch(short):
            return f"{asked} and schedule them" if found[0] is undertaking.organise else short
        return asked if read_as(short) is None or AND.fullmatch(short) else short
    return short


def _of(request: str, clock: Clock) -> list[Row]:
    found = read_as(request)
    if found is None:
        return []
    handle, words = found
    if handle is undertaking.organise:
        return [Row(change="time", names=[])] if organising.wants_changes(request) else []
    names, to = _names(words, clock), _to(words)
    return [_intent(change, names, words, to) for change in CHANGES.get(handle, ())]


def _intent(change: str, names: list[str], words: Words, to: str) -> Row:
    intent = Row(change=change, names=[*names])
    if change.startswith("new_"):
        intent["at_most"] = 1
    if which := _WHICH.get(words.get("which", "").lower()):
        intent["which"] = [which]
    if value := _VALUES[change](to) if change in _VALUES else None:
        intent["to"] = value
    return intent


def _names(words: Words, clock: Clock) -> list[str]:
    """Return what the person named: a row, or the title or the content of a new one; nothing for "it"."""
    named = words.get("name") or words.get("title") or words.get("content") or ""
    name = split_when(named, clock.now)[0] if "name" in words else named
    return [] if not name or is_pointing(name) or LEFT_OUT in name else [name]


def _to(words: Words) -> str:
    to = words.get("status") or words.get("stands") or words.get("priority") or words.get("verb") or words.get("new")
    return " ".join((to or "").lower().split())


_VALUES: Final[Mapping[str, Callable[[str], str | None]]] = MappingProxyType(
    {
        "task_status": STATUS_BY_WORD.get,
        "task_priority": PRIORITY_BY_WORD.get,
        "project_status": PROJECT_STATUS_BY_WORD.get,
        "task_title": str,
        "event_title": str,
        "project_name": str,
    }
)
