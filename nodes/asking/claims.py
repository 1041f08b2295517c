"""What an answer says it changed, read clause by clause.

An answer tells in the same words what was just done ("The task has been moved")
and what stands in the workspace ("Three tasks have been completed this week").
Only the first can be held against the record, so a clause is a claim when

- it speaks in the first person: "I've created …", "I found it and moved it";
- it begins with what was done and to what: "Created the task …", or is "Done.";
- it is passive and says that this happened just now ("has now been",
  "was successfully"), or tells an act, not a state, of a single row or of all
  that were spoken of: "The task has been moved to Friday".

It is none when it speaks of another time ("last week", "already"), of what
might be, of the answer itself ("I've created an overview"), or denies. What
stands in quotes, code, tables and quoted lines is data. When in doubt it is no
claim: a false correction makes a person doubt a true answer. Only English is
read; failed writes are named behind answers in every language.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from nodes.asking.clauses import QUOTED, Clause, clauses

ANY_WRITE: Final = r""
NO_TOOL: Final = r"(?!)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A change that an answer tells of: which tools can have made it, and at least how often."""

    tools: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class _Kind:
    """Verbs that one kind of tool stands for."""

    past: str
    base: str
    tools: str


_KINDS: Final = (
    _Kind("created|recorded|captured", "create|record|capture", r"create_|schedule"),
    _Kind(r"added(?! up| together)", "add", r"create_|schedule|update_"),
    _Kind("saved|stored", "save|store", r"create_|update_"),
    _Kind(
        "updated|changed|edited|renamed|modified|marked|completed|closed|archived|paused|reopened|set|tagged",
        "update|change|edit|rename|modify|mark|complete|close|archive|pause|reopen|set|tag",
        r"update_",
    ),
    _Kind(
        "scheduled|booked|blocked out|blocked off|blocked",
        "schedule|book|block out|block off",
        r"create_|schedule|update_",
    ),
    _Kind("moved|rescheduled|postponed|pushed|shifted", "move|reschedule|postpone|push|shift", r"schedule|update_"),
    _Kind(
        "deleted|removed|cancell?ed|unscheduled|cleared", "delete|remove|cancel|unschedule|clear", r"delete_|update_"
    ),
    _Kind("sent|e-?mailed|messaged|invited|notified", "send|e-?mail|message|invite|notify", NO_TOOL),
)
_PAST: Final = "|".join(kind.past for kind in _KINDS)
_BASE: Final = "|".join(kind.base for kind in _KINDS)
_ACTS: Final = (
    "created|added|saved|updated|renamed|scheduled|booked|moved|rescheduled|postponed"
    "|deleted|removed|sent|e-?mailed|invited"
)
_STATES: Final = frozenset({"completed", "closed", "archived", "paused", "cancelled", "canceled", "blocked"})
_AS_STATUS: Final = re.compile(r"\b(?:done|complete|completed|finished|blocked|in progress|active|high|medium|low)\b")
_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
)

_HOW: Final = r"(?:(?:also|now|just|then|successfully|finally|both|gone ahead and|went ahead and)\s+)*"
_THING: Final = (
    rf"(?:{QUOTED}|(?:the|a|an|your|this|that|it|its|them|both|all|these|those|new|one|{'|'.join(_NUMBERS)})\b"
    r"|\d+(?=\s+(?:\w+\s+){0,2}?[a-z]+s\b))"
)
_ROWS: Final = r"(?:tasks|subtasks|notes|events|meetings|appointments|reminders|brain dumps)\b"
_ROW: Final = (
    rf"(?:{QUOTED}|(?:it|this|that|they|both|all|everything)\b"
    rf"|(?:the|your|all|both)\s+(?:\w+\s+){{0,3}}?{_ROWS}"
    r"|(?:the|your|a|an)\s+(?:\w+\s+){0,3}?"
    r"(?:task|subtask|note|event|reminder|entry|brain dump|meeting|appointment|project|invitation|e-?mail)\b)"
)
_SUBJECT: Final = r"\b(?:i|we)(?:'ve|\s+have)?\s+"
_I_DID: Final = re.compile(rf"{_SUBJECT}{_HOW}(?P<verb>{_PAST})\b(?P<rest>.*)", re.IGNORECASE)
_I_COULD: Final = re.compile(
    rf"\b(?:i|we)\s+(?:was able to|were able to|managed to)\s+(?P<verb>{_BASE})\b(?P<rest>.*)", re.IGNORECASE
)
_WE_ACT: Final = re.compile(rf"{_SUBJECT}{_HOW}(?:\w+ed|found|saw|made|took|put|went|gone)\b", re.IGNORECASE)
_OF_ANOTHER: Final = re.compile(r"\b(?:that|which|who|you|were|was|are|is|been|be)\b", re.IGNORECASE)
_AND_DID: Final = re.compile(rf"\s+(?=(?:and\s+|then\s+)+{_HOW}(?:{_PAST})\s+{_THING})", re.IGNORECASE)
_GOES_ON: Final = re.compile(rf"^(?:and\s+|then\s+)*{_HOW}(?P<verb>{_PAST})\b(?P<rest>\s+{_THING}.*)", re.IGNORECASE)
_BARE: Final = re.compile(rf"^{_HOW}(?P<verb>{_PAST})\b(?P<rest>\s+{_THING}.*)", re.IGNORECASE)
_JUST_NOW: Final = re.compile(
    rf"\b(?:(?:has|have)\s+(?:(?:now|just|successfully)\s+)+been\s+{_HOW}|(?:has|have)\s+been\s+(?:now\s+)?successfully\s+"
    rf"|(?:was|were)\s+successfully\s+)(?P<verb>{_PAST})\b(?P<rest>.*)",
    re.IGNORECASE,
)
_PASSIVE: Final = re.compile(
    rf"^(?:so\s+|and\s+|ok\s+|okay\s+)?{_ROW}.{{0,60}}?\b(?:has|have)\s+been\s+(?P<verb>{_ACTS})\b(?P<rest>.*)",
    re.IGNORECASE,
)
_DONE: Final = re.compile(
    r"^(?:(?:all|it's|that's|it is|that is|everything is)\s+)?(?:done|set|taken care of)$", re.IGNORECASE
)
_OPENING: Final = re.compile(r"^(?:ok|okay|sure|great|alright|certainly)$", re.IGNORECASE)

_OTHER_TIME: Final = re.compile(
    r"\b(?:already|earlier|previously|recently|originally|yesterday|ago|twice|times|so far|to date|before$|since$"
    r"|since\s+(?:\d|yesterday|last|then|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|last\s+(?:time|night|week|month|year|message|request|mon|tue|wed|thu|fri|sat|sun)"
    r"|(?<!to )(?<!for )(?<!into )this\s+(?:morning|week|month|quarter|year)|over the (?:past|last)|in the past"
    r"|according to|you asked me to)",
    re.IGNORECASE,
)
_NOT_REAL: Final = re.compile(
    r"\b(?:if|unless|until|once|when|whenever|whether|before|after|while|as soon as|assuming|suppose|would|could|should"
    r"|shall|will|may|might|must|can|to|have|had|did|not|never|no|none|nothing|neither|nor|\w+n't)\b",
    re.IGNORECASE,
)
_OF_THE_ANSWER: Final = re.compile(
    r"\b(?:plan|summary|overview|list|lists|outline|table|draft|proposal|proposals|suggestions?|agenda|comparison|breakdown"
    r"|answer|reply|checklist|options?|version|schedule|timeline|recommendations?|aside|out|each (?:line|row|item)"
    r"|nothing|none|no)\b",
    re.IGNORECASE,
)
_OF_THE_WORKSPACE: Final = re.compile(
    rf"{QUOTED}|\b(?:tasks?|subtasks?|notes?|events?|meetings?|appointments?|reminders?|brain dumps?|priority|status"
    r"|due date|start date|deadline|description|calendar)\b(?!\s+(?:list|overview|summary|plan))",
    re.IGNORECASE,
)
_REPORTS: Final = re.compile(
    r"\b(?:here|below|following|found|there (?:is|are)|you have|summary|overview|list|looked|checked|no|none)\b",
    re.IGNORECASE,
)
_TELLS_OF_US: Final = re.compile(r"\b(?:i|i've|we|we've|changes?|changed|done|actions?)\b", re.IGNORECASE)
_NEEDED: Final = (  # “I've marked the urgent ones with a star”, “I've completed the review”
    ({"marked", "mark"}, _AS_STATUS),
    ({"completed", "complete"}, re.compile(rf"^\s+(?:it|them|both|all)\b|{_OF_THE_WORKSPACE.pattern}", re.IGNORECASE)),
)
_HOW_MANY: Final = re.compile(
    rf"^\s+(?:all\s+|the\s+)?(?P<number>\d{{1,2}}|{'|'.join(_NUMBERS)})\s+(?:\w+\s+){{0,2}}?"
    rf"{_ROWS}",
    re.IGNORECASE,
)


def claims(answer: str) -> list[Claim]:
    """Return every claim of a change in an answer, in order."""
    read = [part for clause in clauses(answer) for part in _acts(clause)]
    return [*_done(read), *_each(read)]


def _acts(clause: Clause) -> Iterator[Clause]:
    """Yield one clause for each act: “I found it and moved it” tells of two."""
    for place, text in enumerate(_AND_DID.split(clause.text)):
        yield replace(clause, text=text, begins_sentence=clause.begins_sentence and not place)


def _each(read: Iterable[Clause]) -> Iterator[Claim]:
    """Yield what the clauses claim; one without a subject has that of the clause before it."""
    ours = False
    for clause in read:
        ours = ours and not clause.begins_sentence
        found = _I_DID.search(clause.text) or _I_COULD.search(clause.text) or (ours and _GOES_ON.search(clause.text))
        found = found or _without_subject(clause)
        ours = (ours or _WE_ACT.search(clause.text) is not None) and not _OF_ANOTHER.search(clause.text)
        if found and (claim := _claim(clause, found)):
            yield claim


def _without_subject(clause: Clause) -> re.Match[str] | None:
    bare = _BARE.search(clause.text) if clause.begins_sentence and _speaks_of_us(clause) else None
    if bare and bare["verb"].lower() in _STATES and not re.match(rf"\s+(?:{QUOTED}|the|your|it|this)\b", bare["rest"]):
        bare = None
    return bare or _JUST_NOW.search(clause.text) or _PASSIVE.search(clause.text)


def _speaks_of_us(clause: Clause) -> bool:
    """Say whether a list item stands in a list of what was done, not of what there is."""
    return clause.heading is None or _TELLS_OF_US.search(clause.heading) is not None


def _claim(clause: Clause, found: re.Match[str]) -> Claim | None:
    verb, rest = found["verb"].lower(), found["rest"]
    if clause.asks or _OTHER_TIME.search(clause.text) or _NOT_REAL.search(clause.text[: found.start()]):
        return None
    if any(verb in verbs and not needed.search(rest) for verbs, needed in _NEEDED):
        return None
    kind = next(kind for kind in _KINDS if re.match(rf"(?:{kind.past}|{kind.base})\b", verb + rest, re.IGNORECASE))
    if _is_about_the_answer(rest) and kind.tools != NO_TOOL:
        return None
    return Claim(kind.tools, _how_many(rest))


def _is_about_the_answer(rest: str) -> bool:
    answer, workspace = _OF_THE_ANSWER.search(rest), _OF_THE_WORKSPACE.search(rest)
    return answer is not None and (workspace is None or answer.start() < workspace.start())


def _how_many(rest: str) -> int:
    told = _HOW_MANY.match(rest)
    if told is None:
        return 1
    number = told["number"].lower()
    return _NUMBERS[number] if number in _NUMBERS else max(int(number), 1)


def _done(read: Iterable[Clause]) -> Iterator[Claim]:
    """Yield a claim for an answer that begins with “Done.” and reports nothing behind it."""
    said = [clause.text for clause in read if not _OPENING.search(clause.text)]
    if said and _DONE.search(said[0]) and not any(_REPORTS.search(text) for text in said[1:]):
        yield Claim(ANY_WRITE)
