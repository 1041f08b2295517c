"""What a run may change is asked once, of a model that sees the person's own words; without an answer, nothing."""

from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from nodes.asking.intents import TRIES, take_intents
from persistence.pools import Database
from persistence.record import messages
from persistence.runs import intents
from persistence.scope import Role
from tests.conftest import Person
from tests.nodes.asking.room import Room, room
from tests.scripted_model.intents import allows
from tests.scripted_model.replies import Reply, call, status, text, tools
from tools.intents import INTENTS_TOOL, from_json

NOTES: Final[dict[str, JsonValue]] = {"change": "new_note", "names": ["blue"]}


async def taken(at: Room) -> list[str]:
    """Take a run's intents; return the kinds of change that it may make."""
    await take_intents(at.context, at.planner_id)
    async with at.context.writing() as scope:
        stored = await intents.of_run(scope, at.context.run_id)
    assert stored is not None
    return [intent.change for intent in from_json(stored)]


async def test_what_was_asked_for_is_taken_once(database: Database, person: Person) -> None:
    """The second time the run reads what it took the first time; its cost stands among the run's model calls."""
    async with room(database, person, [], intents=lambda _: allows(NOTES)) as at:
        assert await taken(at) == await taken(at) == ["new_note"]
        assert len(at.model.asked_for_intents) == 1
        assert [(call.purpose, call.outcome) for call in await at.spent()] == [("intents", "answered")]


async def test_the_question_shows_the_persons_words_alone(database: Database, person: Person) -> None:
    """Earlier messages of the person and this one are shown; no answer, and no text that they quote."""
    async with room(database, person, [], intents=lambda _: allows()) as at:
        async with database.acting(Role.API, person.identity) as scope:
            messages.insert(scope, at.context.session_id, None, "user", "Find my\nnotes")
            messages.insert(scope, at.context.session_id, None, "assistant", "canary of an answer")
            messages.insert(scope, at.context.session_id, at.context.run_id, "user", "What is overdue?")
            messages.insert(scope, at.context.session_id, None, "user", "canary of a later message")
        async with at.context.writing() as scope:
            said = await messages.before_run(scope, at.context.run_id, at.context.limits.history_messages)
        at.context = replace(at.context, said_before=said)
        assert await taken(at) == []
        [question] = at.model.asked_for_intents
    assert question.offered == [INTENTS_TOOL]
    assert "- Find my notes\n" in question.last_text
    assert question.last_text.endswith("# The message\nWhat is overdue?")
    assert "canary" not in question.everything_read


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(text("Nothing, I think."), id="words"),
        pytest.param(tools(call("create_note", {"content": "x"})), id="another tool"),
        pytest.param(tools(call(INTENTS_TOOL, '{"changes": [{"chan')), id="cut off"),
        pytest.param(tools(call(INTENTS_TOOL, {"changes": [{"change": "time"}]})), id="a field missing"),
        pytest.param(tools(call(INTENTS_TOOL, {"changes": "all"})), id="no list"),
        pytest.param(tools(call(INTENTS_TOOL, {"changes": [*[NOTES] * 25]})), id="too many"),
        pytest.param(tools(call(INTENTS_TOOL, ""), call(INTENTS_TOOL, {"changes": [NOTES]})), id="one of two is none"),
        pytest.param(tools(call(INTENTS_TOOL, {"changes": [NOTES]}), finish_reason="length"), id="at the limit"),
    ],
)
async def test_nonsense_allows_nothing(database: Database, person: Person, reply: Reply) -> None:
    """An answer that cannot be read is asked for once more; a second one leaves all writes to the person."""
    async with room(database, person, [], intents=lambda _: reply) as at:
        assert await taken(at) == []
        assert len(at.model.asked_for_intents) == TRIES


async def test_no_answer_allows_nothing(database: Database, person: Person) -> None:
    """A model that cannot be asked leaves all writes to the person, and the run goes on."""
    async with room(database, person, [], intents=lambda _: status(401)) as at:
        assert await taken(at) == []


async def test_a_second_answer_can_be_read(database: Database, person: Person) -> None:
    """Nonsense once is no harm."""
    replies = iter([text("Hm."), allows(NOTES)])
    async with room(database, person, [], intents=lambda _: next(replies)) as at:
        assert await taken(at) == ["new_note"]
