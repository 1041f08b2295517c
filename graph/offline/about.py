"""What the offline model says about itself. It never passes for a language model."""

from typing import Final

from graph.offline.ask import Ask
from graph.offline.phrases import Words
from graph.offline.script import Script, only_saying

_IDENTITY: Final = (
    "I am Planwright's built-in offline model: rules rather than a language model. I understand everyday requests"
    " about projects, tasks, notes, brain dumps and the calendar, in English, and answer only from what the tools"
    " return."
)
_EXAMPLES: Final = """\
- *What is overdue?* · *Show my high-priority tasks* · *What should I work on?*
- *What is on my calendar tomorrow?* · *When am I free on Friday?*
- *How is the website project going?* · *Find notes about pricing*
- *Move the quarterly report to Friday at 15:00* · *Mark it as done* · *Create a task “Call Ann” for Monday*
- *Find two free hours tomorrow and schedule the review*
- *Prepare my daily brief* · *Help me organize my project tasks for next week*"""
_SETUP: Final = (
    "To have a language model answer instead, set `PLANWRIGHT_MODEL_BASE_URL`, `PLANWRIGHT_MODEL_API_KEY` and"
    " `PLANWRIGHT_PLANNER_MODEL`."
)


def who(_ask: Ask, _words: Words) -> Script[str]:
    """Say who is speaking."""
    return only_saying(f"{_IDENTITY} For example:\n\n{_EXAMPLES}\n\n{_SETUP}")


def abilities(_ask: Ask, _words: Words) -> Script[str]:
    """Say what can be asked."""
    return only_saying(f"{_IDENTITY} Ask me, for example:\n\n{_EXAMPLES}")


def not_understood() -> str:
    """Say that no rule fits, and what would."""
    return f"I did not understand that. {_IDENTITY} Try, for example:\n\n{_EXAMPLES}\n\n{_SETUP}"


def greeting(_ask: Ask, _words: Words) -> Script[str]:
    """Greet back."""
    return only_saying(
        "Hello! I am Planwright's offline model, rules rather than a language model. Ask me what is overdue, what is on"
        " your calendar, or to organise your next week."
    )


def how_are_you(_ask: Ask, _words: Words) -> Script[str]:
    """Answer small talk honestly."""
    return only_saying("I am a set of rules, so always the same. What can I look up or change for you?")


def thanks(_ask: Ask, _words: Words) -> Script[str]:
    """Take thanks."""
    return only_saying("You are welcome.")


def never_mind(_ask: Ask, _words: Words) -> Script[str]:
    """Leave everything as it is."""
    return only_saying("All right, I leave everything as it is.")


def agreed(_ask: Ask, _words: Words) -> Script[str]:
    """Say that nothing was on offer."""
    return only_saying("I have nothing open that you could agree to. Please say what I shall do.")


def what_time(ask: Ask, _words: Words) -> Script[str]:
    """Say what day and time it is for the person."""
    return only_saying(f"It is {ask.now:%H:%M} on {ask.now:%A}, {ask.now:%Y-%m-%d}, in {ask.zone.key}.")


def cannot_delete(_ask: Ask, words: Words) -> Script[str]:
    """Say what no tool does."""
    return only_saying(
        f"I cannot delete a {words['kind'].lower()}: there is no tool for it. I can mark a task as done, archive a"
        " project, or delete a calendar event."
    )
