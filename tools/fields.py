"""The kinds of argument that several tools take.

The bounds are those of the tables, so that what passes here is stored.
"""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints

from persistence.text import says_nothing

MAX_QUERY_CHARS: Final = 200  # a phrase; a longer one is a document, which no row contains
MAX_TITLE_CHARS: Final = 500
MAX_NAME_CHARS: Final = 300
MAX_CATEGORY_CHARS: Final = 100
MAX_TEXT_CHARS: Final = 16_384  # the longest message a person can send fits into one note
MAX_TAGS: Final = 20
MAX_TAG_CHARS: Final = 50
MAX_DURATION_MINUTES: Final = 14_400  # ten days
EARLIEST_DAY: Final = date(1900, 1, 1)
LATEST_DAY: Final = date(2200, 12, 31)

_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _visible(text: str) -> str:
    """Refuse what looks empty: no character in it can be seen."""
    if says_nothing(text):
        raise ValueError("nothing in it can be seen")
    return text


def _iso_day(given: JsonValue) -> date:
    """Read a day; pydantic itself would take other spellings, such as seconds since 1970."""
    if not isinstance(given, str) or not _ISO_DAY.fullmatch(given):
        raise ValueError("write the date as 2027-03-28")
    return date.fromisoformat(given)


def _as_list(given: JsonValue) -> JsonValue:
    """Take one word for a list of that word: models often leave the brackets out."""
    return [given] if isinstance(given, str) else given


def _unique(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Visible = Annotated[str, AfterValidator(_visible)]
Query = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_QUERY_CHARS)]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE_CHARS), AfterValidator(_visible)
]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS), AfterValidator(_visible)
]
Category = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CATEGORY_CHARS), AfterValidator(_visible)
]
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
Content = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS), AfterValidator(_visible)]
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TAG_CHARS), AfterValidator(_visible)
]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), AfterValidator(_unique)]
Minutes = Annotated[int, Field(ge=1, le=MAX_DURATION_MINUTES)]
Day = Annotated[date, BeforeValidator(_iso_day), Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
OneOrMore = BeforeValidator(_as_list)
