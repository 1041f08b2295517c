"""Prompts are files; this fills them in.

Keys are strict: a name that the text does not have, or that is not given, is a
mistake of the program and raises. Values are never read as templates.
"""

from datetime import datetime
from functools import cache
from importlib.resources import files
from string import Template
from zoneinfo import ZoneInfo


def render(prompt: str, **values: str) -> str:
    """Return the prompt `prompts/<prompt>.md` with its names filled in."""
    template = _template(prompt)
    assert set(template.get_identifiers()) == set(values), f"the prompt {prompt} takes {template.get_identifiers()}"
    return template.substitute(values)


def clock_words(now: datetime, zone: ZoneInfo) -> str:
    """Return a moment as prompts state it: the weekday and ISO 8601 to the minute, in the zone."""
    return now.astimezone(zone).strftime("%A, %Y-%m-%dT%H:%M%z")


@cache
def _template(prompt: str) -> Template:
    return Template(files("nodes").joinpath("asking", "prompts", f"{prompt}.md").read_text("utf-8").strip())
