"""Prompts are files; this fills them in.

Keys are strict: a name that the text does not have, or that is not given, is a
mistake of the program and raises. Values are never read as templates.
"""

from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from string import Template
from typing import Final
from zoneinfo import ZoneInfo

MOMENTS_KEPT: Final = 100  # in words: a run has one, which each of its prompts states


def render(prompt: str, **values: str) -> str:
    """Return the prompt `prompts/<prompt>.md` with its names filled in."""
    template, names = _template(prompt)
    assert names == values.keys(), f"the prompt {prompt} takes {names}"
    return template.substitute(values)


@lru_cache(MOMENTS_KEPT)
def clock_words(now: datetime, zone: ZoneInfo) -> str:
    """Return a moment as prompts state it: the weekday and ISO 8601 to the minute, in the zone."""
    return now.astimezone(zone).strftime("%A, %Y-%m-%dT%H:%M%z")


@cache
def _template(prompt: str) -> tuple[Template, frozenset[str]]:
    template = Template(files("nodes").joinpath("asking", "prompts", f"{prompt}.md").read_text("utf-8").strip())
    return template, frozenset(template.get_identifiers())
