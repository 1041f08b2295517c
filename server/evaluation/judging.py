"""Whether what came of a request is right, in four respects. Pure: of outcomes, not of databases."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from persistence.workspace.contents import Contents, Row
from server.evaluation.request import Change, Effect, OneOf, Request

NAMES: Final = ("name", "title", "summary", "content")  # of a row: the first of them that it has
_MARKS: Final = re.compile(r"[*_`]+")
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    Attributes:
        asked_at: on the person's clock.
        seconds: from its acceptance to the end of its run.
    """

    asked_at: datetime
    status: str
    route: str | None
    tools: tuple[str, ...]
    effects: tuple[Effect, ...]
    answer: str
    tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A request and what was wrong with its outcome, by respect, in words; nothing wrong is right."""

    request: Request
    outcome: Outcome
    wrong: Mapping[str, str]


def judged(request: Request, outcome: Outcome) -> Verdict:
    """Hold an outcome against what is expected."""
    expected = request.expected
    found = {
        "route": "" if outcome.route in expected.route else f"was {outcome.route}, not {' or '.join(expected.route)}",
        "tools": _told("not called", [each for each in expected.tools if not _has_one(outcome.tools, each)]),
        "effects": _effects(expected.effects, outcome.effects, outcome.asked_at),
        "facts": _facts(expected.facts, expected.never, outcome.answer),
    }
    if outcome.status != "done":
        found = dict.fromkeys(found, f"the run ended as {outcome.status}")
    return Verdict(request, outcome, {respect: words for respect, words in found.items() if words})


def effects_between(before: Contents, after: Contents) -> tuple[Effect, ...]:
    """Return what came, changed and went between two moments of a workspace.

    `to` are the new values that changed, with a row's name where its id stands.
    """
    names = {str(row_id): _name(row) for moment in (before, after) for (_, row_id), row in moment.items()}
    came = [_effect("created", place, after[place], after[place], names) for place in after if place not in before]
    went = [_effect("deleted", place, before[place], {}, names) for place in before if place not in after]
    changed = [
        _effect("changed", place, before[place], new, names)
        for place in after
        if place in before and (new := _changed(before[place], after[place]))
    ]
    return (*came, *changed, *went)


def _changed(before: Row, after: Row) -> Row:
    return {name: value for name, value in after.items() if value != before.get(name) and name != "updated_at"}


def _name(row: Row) -> str:
    return next(str(row[column]) for column in NAMES if row.get(column))


def _effect(change: Change, place: tuple[str, UUID], row: Row, to: Row, names: Mapping[str, str]) -> Effect:
    table, _ = place
    told = {column: names.get(value, value) if isinstance(value, str) else value for column, value in to.items()}
    return Effect(change=change, table=table, name=_name(row), to=told)


def _effects(expected: Sequence[Effect], found: Sequence[Effect], asked_at: datetime) -> str:
    """Say which expected effects did not come about, and which others did; each accounts for one."""
    left, missing = list(found), list[Effect]()
    for wanted in expected:
        fitting = next((effect for effect in left if _is(wanted, effect, asked_at)), None)
        if fitting is None:
            missing.append(wanted)
        else:
            left.remove(fitting)
    return "; ".join(part for part in (_told("missing", _named(missing)), _told("besides", _named(left))) if part)


def _is(wanted: Effect, found: Effect, asked_at: datetime) -> bool:
    same = (wanted.change, wanted.table, _plain(wanted.name)) == (found.change, found.table, _plain(found.name))
    values = all(found.to.get(name) == value for name, value in wanted.to.items())
    moments = all(_then(found.to.get(name)) == moment.seen_from(asked_at) for name, moment in wanted.at.items())
    return same and values and moments


def _then(value: JsonValue) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _named(effects: Sequence[Effect]) -> list[str]:
    return [f"{effect.change} {effect.table} “{effect.name}”" for effect in effects]


def _facts(facts: Sequence[OneOf], never: Sequence[str], answer: str) -> str:
    said = _plain(answer)
    missing = [fact for fact in facts if not any(_plain(one) in said for one in fact.split("|"))]
    wrong = [text for text in never if _plain(text) in said]
    return "; ".join(part for part in (_told("not said", missing), _told("said", wrong)) if part)


def _plain(text: str) -> str:
    """Return a text as it is compared: without marks of Markdown, in one case, with single spaces."""
    return _SPACES.sub(" ", _MARKS.sub("", text)).strip().casefold()


def _has_one(called: Sequence[str], names: OneOf) -> bool:
    return not set(names.split("|")).isdisjoint(called)


def _told(what: str, of: Sequence[str]) -> str:
    return f"{what}: {', '.join(of)}" if of else ""
