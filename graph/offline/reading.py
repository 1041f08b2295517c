"""What the messages say: who is asking what, when, in which role, and what tools have answered so far.

The prompts of `nodes/asking/prompts` are told apart by their first words and
by the tools that are offered. Intent is read from the person's own request and
from the plan's own words; context, tool results and step results are data.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import JsonValue

from graph.offline.script import Result, Round

CREATE_PLAN: Final = "create_plan"
SUBMIT_RESULT: Final = "submit_result"
ALLOW_CHANGES: Final = "allow_changes"

_CLOCK: Final = re.compile(r"It is now (?P<now>.+?) in the person's time zone, (?P<zone>[\w+/-]+)")
_ISO: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::\d{2})?")
_WORDS: Final = re.compile(r"(?P<day>\d{1,2}) (?P<month>[A-Z][a-z]{2})[a-z]* (?P<year>\d{4})\D+(?P<time>\d{2}:\d{2})")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEARS: Final = range(1970, 2200)  # outside them the arithmetic of weeks may leave the calendar
_CONTEXT_MARK: Final = '<context type="'
_NO_RESULT: Final = Result("There is no result of this call.", error="no_result")


class Mode(Enum):
    """In which role the model is asked."""

    ALLOW = auto()
    DECIDE = auto()
    REPAIR = auto()
    REPLAN = auto()
    EXECUTE = auto()
    STEP = auto()
    SYNTHESISE = auto()


_MODE_BY_OPENING: Final = (
    ("# Step ", Mode.STEP),
    ("The plan was refused", Mode.REPAIR),
    ("Some steps of the plan did not succeed", Mode.REPLAN),
    ("The plan has run.", Mode.SYNTHESISE),
)
_NUDGES: Final = ("Your last answer was empty", "Answer now with what you have")
_QUOTED_OPENING: Final = "I bring this from elsewhere."
_NOT_THE_PERSON: Final = (*(opening for opening, _ in _MODE_BY_OPENING), _QUOTED_OPENING)


@dataclass(frozen=True, slots=True)
class Clock:
    """The person's local time, without an offset, and zone."""

    now: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier message of the conversation."""

    by_person: bool
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the model, read."""

    mode: Mode
    prompt: str  # the last message that is neither the model's, nor a tool's, nor a nudge to go on
    request: str  # the person's own words: what follows the context, else the prompt
    clock: Clock | None
    context: str
    earlier: tuple[Said, ...]
    offered: frozenset[str]
    rounds: tuple[Round, ...]
    planned: bool  # whether `create_plan` was already called in this loop


def read(messages: Sequence[BaseMessage], offered: frozenset[str]) -> Asked:
    """Return what a call of the model asks for."""
    people = [at for at, message in enumerate(messages) if isinstance(message, HumanMessage)]
    context_at = max((at for at in people if _is_context(messages[at])), default=None)
    request_at = next((at for at in people if context_at is not None and at > context_at), None)
    told = [at for at in people if at == request_at or not _text(messages[at]).startswith(_NUDGES)]
    prompt_at = max(told, default=-1)
    prompt = _text(messages[prompt_at]) if told else ""
    mode = _mode(prompt, offered)
    start = prompt_at if request_at is None or mode not in {Mode.DECIDE, Mode.REPAIR} else request_at
    after = messages[start + 1 :]
    return Asked(
        mode=mode,
        prompt=prompt,
        request=_text(messages[request_at]) if request_at is not None else prompt,
        clock=_clock("\n".join(_text(message) for message in messages if isinstance(message, SystemMessage))),
        context="" if context_at is None else _text(messages[context_at]),
        earlier=tuple(said for message in messages[: max(start, 0)] if (said := _said(message)) is not None),
        offered=offered,
        rounds=_rounds(after),
        planned=any(call["name"] == CREATE_PLAN for message in after for call in _calls(message)),
    )


def section(prompt: str, heading: str) -> str:
    """Return what stands under a `# ` heading of a prompt, up to the next one."""
    match = re.search(rf"^# {re.escape(heading)}[^\n]*\n(.*?)(?=^# |\Z)", prompt, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else ""


def json_at_start(text: str) -> JsonValue:
    """Return the JSON value that a text begins with, None when it begins with none."""
    try:
        value: JsonValue = json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None
    return value


def _mode(prompt: str, offered: frozenset[str]) -> Mode:
    """Return the role. A request that begins like a prompt changes nothing while planning tools are offered."""
    if ALLOW_CHANGES in offered:
        return Mode.ALLOW
    if SUBMIT_RESULT in offered:
        return Mode.EXECUTE
    by_opening = next((mode for opening, mode in _MODE_BY_OPENING if prompt.startswith(opening)), Mode.DECIDE)
    if CREATE_PLAN not in offered:
        return by_opening if by_opening in {Mode.STEP, Mode.SYNTHESISE} else Mode.DECIDE
    if len(offered) == 1 and by_opening in {Mode.REPAIR, Mode.REPLAN}:
        return by_opening
    return Mode.DECIDE


def _said(message: BaseMessage) -> Said | None:
    """Return a message as part of the conversation, None for context, prompts and tool traffic."""
    text = _text(message)
    if isinstance(message, AIMessage):
        return Said(by_person=False, text=text) if text and not message.tool_calls else None
    if not isinstance(message, HumanMessage) or _is_context(message):
        return None
    return None if text.startswith(_NOT_THE_PERSON) else Said(by_person=True, text=text)


def _rounds(messages: Sequence[BaseMessage]) -> tuple[Round, ...]:
    """Return the results of the tool calls of this loop, in the order they were asked for.

    An id is only good until the next message that calls tools: models number their calls anew each time.
    """
    rounds: list[Round] = []
    for position, message in enumerate(messages):
        calls = [call for call in _calls(message) if call["name"] != CREATE_PLAN]
        if calls:
            answers = dict(_answers_after(messages, position))
            rounds.append(tuple(answers.get(str(call["id"]), _NO_RESULT) for call in calls))
    return tuple(rounds)


def _answers_after(messages: Sequence[BaseMessage], position: int) -> Iterator[tuple[str, Result]]:
    for message in messages[position + 1 :]:
        if not isinstance(message, ToolMessage):
            return
        yield str(message.tool_call_id), _result(message)


def _calls(message: BaseMessage) -> list[dict[str, str | None]]:
    if not isinstance(message, AIMessage):
        return []
    return [{"id": call["id"], "name": call["name"]} for call in message.tool_calls]


def _result(message: ToolMessage) -> Result:
    value = json_at_start(_text(message))
    if not isinstance(value, dict):
        return Result(_text(message)[:500], error="unreadable" if message.status == "error" else None)
    code = value.pop("error", None)
    text = value.pop("message", "")
    if code is None and message.status == "error":
        code = "error"
    return Result(str(text), value, None if code is None else str(code))


def _clock(system: str) -> Clock | None:
    match = _CLOCK.search(system)
    now = _moment(match["now"]) if match else None
    if match is None or now is None or now.year not in _YEARS:
        return None
    try:
        zone = ZoneInfo(match["zone"])
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return Clock(now, zone)


def _moment(text: str) -> datetime | None:
    """Return the local time that a prompt names, in ISO 8601 or in words."""
    try:
        if iso := _ISO.search(text):
            return datetime.fromisoformat(f"{iso[1]}T{iso[2]}")
        if words := _WORDS.search(text):
            month = 1 + _MONTHS.index(words["month"])
            return datetime.fromisoformat(f"{words['year']}-{month:02}-{int(words['day']):02}T{words['time']}")
    except ValueError:
        return None
    return None


def _is_context(message: BaseMessage) -> bool:
    return isinstance(message, HumanMessage) and _text(message).startswith(_CONTEXT_MARK)


def _text(message: BaseMessage) -> str:
    return str(message.text)
