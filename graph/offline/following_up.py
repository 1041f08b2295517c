"""Short messages that lean on what was said before, written out in full.

Only the person's own earlier request is taken up again. The last answer is
looked at for which question it asked, and for the titles it offered.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from graph.offline.dates import read_when, split_when
from graph.offline.looking_up import WHICH
from graph.offline.naming import plain, those_named
from graph.offline.organising import OFFER
from graph.offline.reading import Said
from graph.offline.requests import is_understood
from graph.offline.tidying import tidied

MAX_LOOK_BACK: Final = 4  # messages: a short follow-up may itself follow one

AND: Final = re.compile(r"(?:and|what about|how about|and what about)\s+(?P<when>.+)", re.IGNORECASE)
YES: Final = re.compile(
    r"(?:yes|yep|sure|do it|go ahead|ok|okay|schedule them|schedule (?:it|all|all of them|these|those)"
    r"|(?:yes|ok|okay|sure)[\s,]+(?:please|do it|go ahead|schedule (?:them|it)))",
    re.IGNORECASE,
)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_BOLD: Final = re.compile(r"^- (?:\S+ )*?\*\*([^*\n]+)\*\*", re.MULTILINE)
_ASKED_ABOUT: Final = re.compile(r"could be \*\*([^*\n]+)\*\*")


def written_out(request: str, earlier: Sequence[Said], now: datetime) -> str:
    """Return the request, or what it means after the last exchange."""
    asked, answer = _last_exchange(earlier)
    short = tidied(request)
    if not asked:
        return short
    if YES.fullmatch(short):
        return f"{asked} and schedule them" if OFFER in answer else short
    if WHICH in answer and (chosen := _choice(short, answer)):
        name = _ASKED_ABOUT.search(answer)
        return _with_title(asked, name[1], chosen) if name else short
    other = AND.fullmatch(short)
    if other and read_when(other["when"], now) is not None:
        return f"{split_when(asked, now)[0]} {other['when']}"
    return short


def _with_title(asked: str, name: str, title: str) -> str:
    """Return a request with a whole title in place of a name; in quotes, so that no word of it is read as intent."""
    quoted = f"“{title}”"
    return re.sub(re.escape(plain(name)), lambda _: quoted, asked, count=1, flags=re.IGNORECASE)


def _last_exchange(earlier: Sequence[Said]) -> tuple[str, str]:
    """Return the person's last request, itself written out, and the answer to it."""
    answer = earlier[-1].text if earlier and not earlier[-1].by_person else ""
    for place in range(len(earlier) - 1, -1, -1):
        if earlier[place].by_person:
            short = tidied(earlier[place].text)
            if is_understood(short) or place < len(earlier) - MAX_LOOK_BACK:
                return short, answer
    return "", answer


def _choice(short: str, answer: str) -> str:
    """Return which of the offered titles is chosen: by name, or "the second one"."""
    titles = _BOLD.findall(answer)
    ordinal = re.fullmatch(r"(?:the )?(?P<nth>\w+)(?: one)?", short, re.IGNORECASE)
    if ordinal and ordinal["nth"].lower() in _ORDINALS:
        place = _ORDINALS.index(ordinal["nth"].lower())
        return titles[place] if place < len(titles) else ""
    found = those_named(short, titles, str)
    return found[0] if len(found) == 1 and len(short) > 1 and not is_understood(short) else ""
