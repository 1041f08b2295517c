"""The everyday requests, as a table: how they are put, and who handles them.

The first row with a phrase that fits wins, so the special stands above the
general. Phrases meet the request without politeness and final punctuation;
how they are written says `graph.offline.phrases`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from graph.offline import (
    about,
    asking_calendar,
    asking_tasks,
    asking_texts,
    changing,
    creating,
    undertaking,
)
from graph.offline.ask import Ask
from graph.offline.phrases import CONTENT, Words, compiled, words_in
from graph.offline.plans import Plan
from graph.offline.script import Script
from graph.offline.vocabulary import PRIORITY_BY_WORD, PROJECT_STATUS_BY_WORD, STATUS_BY_WORD

Answer = str | Plan
Handler = Callable[[Ask, Words], Script[str]] | Callable[[Ask, Words], Script[Answer]]

MAX_MATCHED_CHARS: Final = 2_000  # matching takes longer than linear time; a longer request holds a text, or is one

VOCABULARY: Final = {
    "status": STATUS_BY_WORD,
    "stands": PROJECT_STATUS_BY_WORD,
    "verb": ("pause", "archive", "reactivate", "activate", "unpause", "unarchive"),
    "priority": PRIORITY_BY_WORD,
    "kind": ("task", "project", "note", "brain dump", "session"),
    "which": ("overdue", "late", "blocked", "in progress", "in-progress", "high-priority", "low-priority", "backlog"),
}

# What several rows share.
_SHOW: Final = "(show|open|display|read|view|get|give) [me] [the|my]"
_LIST: Final = "[show|list|display|find|get|give|search|what are|which|any] [me] [all] [the|my]"
_NEW: Final = "[add|create|make|write|save|take|jot down|new|store] [a|an|new|this|as|quick]*"
_MAKE: Final = "(create|add|make|new|open) [me] [a|an|another|new|the]*"
_FIND_TIME: Final = "(find|look for|get|search|check for|when am i|is there) {room}"
_THEN_BOOK: Final = "(and|then|and then) (schedule|book|plan|block|put|reserve) [it for|them for|in|there]"
_WHEN_IS: Final = "(when's|when is|when are|when does|when do i have|when will) [the|my]"
_REPORT: Final = "(summary|overview|status|status update|status report|update|report|recap)"
_TOP: Final = "(most important|most urgent|top priority|top priorities|next|important|urgent)"
_SEARCH: Final = "(search|find|look for|look up|where is|anything about|do i have anything about|what do i know about)"
_ABOUT: Final = "[i have|do i have|are there] [about|on|for|mentioning|with|containing|regarding|that mention]"
_PLAN: Final = (
    "(organize|organise|reorganize|reorganise|plan|arrange|structure|prioritize|prioritise|sort out|schedule)"
)
_ALL_MY: Final = "[out|all|of|my|our|the|open|overdue|project|projects|this|next|coming|upcoming|whole|entire|work]*"
_SOME_TIME: Final = (
    "(today|tomorrow|tonight|week|weekend|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    "|mon|tue|wed|thu|fri|sat|sun)"
)

_TABLE: Final[tuple[tuple[Handler, tuple[str, ...]], ...]] = (
    # Small talk, and what the model is.
    (
        about.greeting,
        ("(hi|hello|hey|greetings|good morning|good afternoon|good evening|good day) [there|planwright|all]",),
    ),
    (
        about.thanks,
        (
            "(thanks|thank you|many thanks|thx|cheers|great|perfect|nice|awesome|well done|good job)",
            "(thanks|thank you|great|perfect|nice) (a lot|so much|very much|again|job|work|thanks|thank you)",
        ),
    ),
    (about.how_are_you, ("how are (you|things) [doing] [today]", "how's it going", "what's up")),
    (
        about.never_mind,
        ("(never mind|nevermind|forget it|no|nope|no thanks|no thank you|stop|cancel|leave it|cancel that)",),
    ),
    (
        about.abilities,
        (
            "(help|examples)",
            "(what|how) [all] can (you|i) (do|ask|use|help) ...",
            "what (do you do|are you able to do|else can you do)",
            "what is possible",
        ),
    ),
    (
        about.who,
        (
            "(who|what) are you ...",
            "are you ...",
            "(what's|what is) your name",
            "introduce yourself",
            "(who|what) am i (talking|speaking) (to|with)",
            "(what|which) [language] (model|llm|ai) ...",
        ),
    ),
    (about.agreed, ("(yes|yes please|ok|okay|sure|go ahead|do it)",)),
    (
        about.what_time,
        ("what (time|day|date) is it [now|today]", "(what's|what is) (the|today's) (time|date|day) [today|now]"),
    ),
    # Several things at once.
    (
        undertaking.organise,
        (
            f"{_PLAN} {_ALL_MY} (week|weekend|day|month|schedule|calendar|work|todos|to-dos|tasks|tomorrow|today) ...",
            f"{_PLAN} (everything|things) ...",
        ),
    ),
    (
        undertaking.brief,
        (
            "... (daily|morning|day) (brief|briefing|summary|report|digest|overview) ...",
            "brief me ...",
            "... overview of (my day|today|tomorrow)",
            "what should i know (today|for today|about today)",
            "(prepare|write|give me) (a|my|the) (brief|briefing) ...",
        ),
    ),
    # Making something new.
    (
        creating.note,
        (
            f"{_NEW} note (called|titled|named) {{title}} : {{content}}",
            f"{_NEW} note (to|in|for|on) [the|my] [project] {{project}} : {{content}}",
            f"{_NEW} note : {{content}}",
            f"{_NEW} note (that|saying) {{content}}",
        ),
    ),
    (
        creating.brain_dump,
        (
            f"{_NEW} (brain dump|braindump|brain-dump) : {{content}}",
            f"{_NEW} (brain dump|braindump|brain-dump) (that|-|–) {{content}}",
        ),
    ),
    (
        creating.task,
        (
            f"{_MAKE} {{priority}} [priority] (task|to-do|todo) [:] [to] {{title}}",
            f"{_MAKE} {{priority}}-priority (task|to-do|todo) [:] [to] {{title}}",
            f"{_MAKE} (task|to-do|todo) [called|named|titled] [:] [to] {{title}}",
            "remind me (to|about) {title}",
            "add {title} to my (tasks|todos|to-dos|list|task list|to-do list|todo list)",
        ),
    ),
    # The calendar.
    (
        creating.free_and_schedule,
        (f"{_FIND_TIME} {_THEN_BOOK} {{name}} [there|in it|then|in there]",),
    ),
    (creating.unschedule, ("(take|remove|delete|drop) {name} (off|from) (my|the) calendar", "unschedule {name}")),
    (about.cannot_delete, ("(delete|remove|trash|erase) [the|my|this|that|a] {kind} ...",)),
    (changing.clear_date, ("(clear|remove|delete|unset) [the] [start|due] date (of|from|for) {name}",)),
    (
        creating.unschedule,
        (
            "(delete|remove|cancel) [the|my] (event|calendar event|meeting|appointment|entry) {name}",
            "(delete|remove|cancel) [the|my] {name}",
        ),
    ),
    (changing.duration, ("(set|change) [the] (duration|length) of {name}",)),
    (changing.rename_project, ("rename [the|my] project {name} (to|into|as) {new}",)),
    (changing.rename_event, ("rename [the|my] (event|meeting) {name} (to|into|as) {new}",)),
    (changing.rename, ("rename [the|my] [task|to-do] {name} (to|into|as) {new}",)),
    # Status and priority.
    (
        changing.status_of_many,
        ("(mark|set|complete|finish|close|move) [all] [of] [my|the] {which} (task|tasks) (as|to) {status}",),
    ),
    (
        changing.status_of_project,
        (
            "{stands} [the|my] project {name}",
            "(mark|set|put|move) [the|my] project {name} [as|to] {stands}",
            "(mark|set|put|move) [the|my] {name} project [as|to] {stands}",
            "(mark|set|put) this project [as|to] {stands}",
            "{stands} this project",
        ),
    ),
    (
        changing.priority,
        (
            "(set|change|make|raise|lower) [the] priority (of|for) {name} (to|as) {priority} [priority]",
            "(make|mark|set|give) {name} [as|to|a|an]* {priority} priority",
            "(make|mark|set|give) {name} [as|to|a|an]* {priority}-priority",
        ),
    ),
    (
        changing.status_of_task,
        (
            "(mark|set|flag|move|put|change) [the status of] {name} (as|to|into|back to) {status}",
            "{name} (is|are|was) [now] {status}",
        ),
    ),
    (
        changing.start,
        (
            "(start|begin) [working on|work on|with] {name}",
            "(i|i've|i have) [just|already] (started|begun) [working on|work on|with] {name}",
        ),
    ),
    (changing.reopen, ("reopen {name}",)),
    (changing.status_by_verb, ("{verb} {name}",)),
    (
        changing.complete,
        (
            "(complete|finish|close|tick off|check off) {name}",
            "(i|i've|i have) [just|already] (finished|completed|did|done|am done with) {name}",
        ),
    ),
    (changing.move, ("(move|reschedule|shift|push|postpone|delay|put off|bring forward) {name}",)),
    (
        creating.schedule,
        (
            "(schedule|book|reserve|block|block out|plan|plan in) [time for] {name}",
            "(put|add) {name} (on|in|into|to) (my|the) calendar",
            "(put|add) {name} (on|in|into|to) (my|the) calendar {rest}",
        ),
    ),
    # Questions about time.
    (
        asking_tasks.overdue,
        ("... (overdue|past due|running late) ...", "am i behind ...", "(what is|what's) late"),
    ),
    (
        asking_calendar.on_calendar,
        (
            "(is|are) [the|my] {name} [already] (on|in|scheduled on) (my|the) calendar ...",
            "is {name} [already] (scheduled|planned|booked)",
        ),
    ),
    (asking_calendar.next_event, ("... next (meeting|event|appointment|call) ...",)),
    (asking_calendar.free, ("... (free|available|availability|spare time|gap|gaps|slot|slots) ...",)),
    (
        asking_tasks.when_is,
        (f"{_WHEN_IS} {{name}} [scheduled|planned|start|due|happening|taking place|be]",),
    ),
    # Questions about one thing.
    (
        asking_tasks.focus,
        (
            "(what|which) ... (work on|do next|do first|do now|do today|start with|focus on|tackle) ...",
            f"(what's|what is|what are) [the|my] {_TOP} ...",
            "(focus|priorities|my priorities)",
        ),
    ),
    (
        asking_tasks.show_task,
        (
            f"{_SHOW} [details of|details for] [the|my] task {{name}}",
            "details (of|on|about|for) [the|my] [task] {name}",
            "(which|what) subtasks (does|do) [the|my] [task] {name} have",
        ),
    ),
    (asking_calendar.show_event, (f"{_SHOW} (event|meeting|appointment) {{name}}",)),
    (asking_texts.show_project, (f"{_SHOW} project {{name}}",)),
    (
        asking_texts.brain_dumps,
        (
            f"... (brain dumps|braindumps|brain-dumps) {_ABOUT} {{query}}",
            "... (brain dump|braindump) (about|on|mentioning|with|containing|regarding) {query}",
            "... (brain dumps|braindumps|brain-dumps) [i have|do i have|are there]",
        ),
    ),
    (asking_texts.show_brain_dump, (f"{_SHOW} (brain dump|braindump) {{name}}",)),
    (
        asking_texts.notes,
        (
            f"... notes {_ABOUT} {{query}}",
            "... note (about|on|mentioning|with|containing|regarding) {query}",
            "... notes [i have|do i have|are there]",
            "what did (i|we) (decide|agree|write|write down|note) [on|about|for|down about] {query}",
        ),
    ),
    (asking_texts.show_note, (f"{_SHOW} note {{name}}",)),
    (asking_texts.projects, ("(how are|summarize|summarise|overview of) [all] [of] [my|the] projects ...",)),
    (
        undertaking.summarise,
        (
            "(summarize|summarise|sum up|recap|review|analyze|analyse) [the|my] {name}",
            f"[give me|write|i need] [a|an|the] {_REPORT} (of|on|about|for) {{name}}",
            "(how's|how is|how are) {name} (going|doing|coming along|looking|progressing)",
            "(what's|what is|tell me|show me) [the] (status|state|progress) (of|on|with) {name}",
            "where (does|do) {name} stand",
            "where do we stand (with|on) {name}",
            "tell me [more] about {name}",
            "what about {name}",
        ),
    ),
    # Lists.
    (
        asking_tasks.tasks,
        (
            "... (task|tasks|todo|todos|to-do|to-dos) ...",
            "(what's|what is|what) [currently] (blocked|in progress|due) ...",
            "what do i (have|need) to do ...",
            "what am i (working on|in the middle of) ...",
            "what (did i|have i) (finish|complete|do|done|completed|finished) ...",
            "[show|list] [me] [my] (blocked|backlog|in progress)",
        ),
    ),
    (asking_texts.projects, ("... projects ...",)),
    (
        asking_calendar.calendar,
        (
            "... (calendar|agenda|schedule|meeting|meetings|event|events|appointment|appointments) ...",
            "(what|what's|anything|am i busy|do i have|show|show me|my) ... " + _SOME_TIME,
            "(what's|what is) (on|up)",
        ),
    ),
    (
        asking_texts.everything,
        (f"{_SEARCH} [for|about|everything about|anything about|me|all]* {{query}}",),
    ),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    handle: Handler
    patterns: tuple[re.Pattern[str], ...]


RULES: Final = tuple(
    Rule(handle, tuple(compiled(phrase, VOCABULARY) for phrase in phrases)) for handle, phrases in _TABLE
)


def handled(ask: Ask) -> Script[Answer] | Script[str] | None:
    """Return the script of the first row that fits the request, None when none does."""
    for rule, match in _fitting(ask.request):
        return rule.handle(ask, words_in(match))
    return None


def is_understood(request: str) -> bool:
    """Say whether any row fits."""
    return read_as(request) is not None


def read_as(request: str) -> tuple[Handler, Words] | None:
    """Return who handles the request, and the words in it that have a name."""
    return next(((rule.handle, words_in(match)) for rule, match in _fitting(request)), None)


def _fitting(request: str) -> Iterator[tuple[Rule, re.Match[str]]]:
    for rule in RULES:
        for pattern in rule.patterns:
            is_read = len(request) <= MAX_MATCHED_CHARS or CONTENT in pattern.groupindex
            if is_read and (match := pattern.fullmatch(request)):
                yield rule, match
