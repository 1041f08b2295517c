"""Prompts are files, filled in strictly."""

import re
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from nodes.asking.render import clock_words, render

EXPECTED: Final = Path(__file__).parent / "rendered"
PROMPTS: Final = sorted(
    entry.name.removesuffix(".md") for entry in files("nodes").joinpath("asking", "prompts").iterdir()
)
VALUES: Final[dict[str, dict[str, str]]] = {
    "context": {"context_type": "global", "snapshot": "## list_tasks\n{}"},
    "executor": {"now": "Thursday, 2026-11-26T00:30+0100", "time_zone": "Europe/Berlin"},
    "executor_task": {
        "task": "Find overdue tasks.",
        "goal": "Organise my week.",
        "constraints": "- Read only.",
        "results": "[]",
    },
    "intents": {"now": "Thursday, 2026-11-26T00:30+0100", "time_zone": "Europe/Berlin"},
    "intents_words": {"earlier": "- What is overdue?", "message": "Mark them as done."},
    "planner": {"now": "Thursday, 2026-11-26T00:30+0100", "time_zone": "Europe/Berlin"},
    "planner_step": {"number": "3", "task": "Move them.", "goal": "Organise my week.", "results": "[]"},
    "quoted_history": {"history": "> user: Hello"},
    "repair": {"problems": "- Step 1 waits for itself."},
    "replan": {"failures": "[]", "results": "[]", "next_number": "4", "completed": "1, 2"},
    "synthesise": {
        "results": "[]",
        "changes": "- create_task: Created it.",
        "failures": "(none)",
        "request": "Organise my week.",
    },
}


def test_every_prompt_has_its_values_here() -> None:
    """A new prompt comes with a snapshot."""
    assert sorted(VALUES) == PROMPTS


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_rendered_prompt_reads_as_agreed(prompt: str) -> None:
    """What a model is told changes only on purpose: the expected text stands in `rendered/`."""
    assert render(prompt, **VALUES[prompt]) + "\n" == (EXPECTED / f"{prompt}.md").read_text("utf-8")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_missing_name_is_a_mistake_of_the_program(prompt: str) -> None:
    """A value that the prompt needs and does not get is noticed at once."""
    given = dict(list(VALUES[prompt].items())[1:])
    with pytest.raises(AssertionError):
        render(prompt, **given)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_name_too_many_is_a_mistake_of_the_program(prompt: str) -> None:
    """A value that the prompt has no place for is noticed at once."""
    with pytest.raises(AssertionError):
        render(prompt, **VALUES[prompt], other="x")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_values_are_never_read_as_templates(prompt: str) -> None:
    """A dollar sign in a value is a dollar sign, whatever name stands behind it."""
    hostile = "costs $5, $now, ${time_zone}, $$request and $"
    rendered = render(prompt, **dict.fromkeys(VALUES[prompt], hostile))
    assert rendered.count(hostile) == _places(prompt)


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        pytest.param("2026-11-25T23:30Z", "Europe/Berlin", "Thursday, 2026-11-26T00:30+0100", id="over midnight"),
        pytest.param("2026-07-01T12:00:59Z", "Europe/Berlin", "Wednesday, 2026-07-01T14:00+0200", id="summer"),
        pytest.param("2026-07-01T12:00Z", "Asia/Kathmandu", "Wednesday, 2026-07-01T17:45+0545", id="odd offset"),
    ],
)
def test_a_moment_is_told_in_the_persons_time(moment: str, zone: str, words: str) -> None:
    """Weekday, date, time and offset, to the minute."""
    assert clock_words(datetime.fromisoformat(moment), ZoneInfo(zone)) == words


def _places(prompt: str) -> int:
    text = files("nodes").joinpath("asking", "prompts", f"{prompt}.md").read_text("utf-8")
    names = Template(text).get_identifiers()
    return len(re.findall(r"\$(?:" + "|".join(names) + r")\b", text))
