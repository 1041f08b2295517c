"""An agent's conversation is what is stored, and goes to models as it stands."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import JsonValue

from nodes.asking.conversation import Conversation, told
from nodes.asking.reply import Reply, WantedCall
from persistence.pools import Database
from persistence.record.conversations import NewMessage, Opening
from persistence.runs.usage import Usage
from tests.conftest import Person
from tests.nodes.asking.room import Room, room
from tests.scripted_model.replies import text
from tools.tool import answered

Calls = Sequence[tuple[str, str, str]]


@asynccontextmanager
async def talk(database: Database, person: Person) -> AsyncGenerator[tuple[Room, Conversation]]:
    """Give a conversation with its rules and its request."""
    async with room(database, person, [text("Yes.")]) as at:
        opening = Opening(at.context.session_id, at.context.run_id, at.planner_id, "global", None)
        first = [NewMessage("system", "system", "You plan."), told("What is overdue?")]
        async with at.context.writing() as scope:
            conversation = Conversation.begin(at.context, opening, first)
            conversation.open(scope, opening, first)
        yield at, conversation


def said(words: str = "", calls: Calls = (), reasoning: str | None = None) -> Reply:
    """Give a model's answer with calls by id, name and arguments."""
    wanted = tuple(WantedCall(*call) for call in calls)
    return Reply(words, wanted, reasoning, "deep", Usage(10, 2), cut=False, filtered=False)


async def add(at: Room, conversation: Conversation, *replies: Reply) -> None:
    """Append answers of the planner's."""
    async with at.context.writing() as scope:
        for reply in replies:
            conversation.add_reply(scope, reply, "planner", at.planner_id)


async def answer(at: Room, conversation: Conversation, *call_ids: str) -> None:
    """Append a result for each of these calls."""
    async with at.context.writing() as scope:
        for call_id in call_ids:
            conversation.add_result(scope, WantedCall(call_id, "", ""), answered(f"Result of {call_id}."))


async def stored(at: Room, conversation: Conversation) -> Conversation:
    """Return the conversation as another attempt finds it."""
    at.context.memory.said.clear()
    return await Conversation.load(at.context, conversation.id)


def as_sent(messages: Sequence[BaseMessage]) -> list[dict[str, JsonValue]]:
    """Return what distinguishes messages from each other."""
    return [
        message.model_dump(include={"type", "content", "tool_calls", "invalid_tool_calls", "additional_kwargs"})
        for message in messages
    ]


async def test_a_stored_conversation_makes_the_same_messages_again(database: Database, person: Person) -> None:
    """After a crash a model is sent exactly what it would have been sent without one."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("Let me see.", [("c1", "list_tasks", '{"limit": 5}')], reasoning="Hm."))
        await answer(at, conversation, "c1")
        await add(at, conversation, said("Two are overdue."))
        again = await stored(at, conversation)
        assert as_sent(again.messages) == as_sent(conversation.messages)
    assert [type(message) for message in again.messages] == [
        SystemMessage,
        HumanMessage,
        AIMessage,
        ToolMessage,
        AIMessage,
    ]
    assert (again.turns, again.last_text) == (2, "Two are overdue.")
    assert again.results == ['{"message": "Result of c1."}']


async def test_thinking_goes_back_to_the_model_that_thought(database: Database, person: Person) -> None:
    """A thinking model's `reasoning_content` is kept, empty text beside it too."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", "{}")], reasoning="Hm."), said("Yes."))
    assert conversation.messages[2].additional_kwargs == {"reasoning_content": "Hm."}
    assert conversation.messages[-1].additional_kwargs == {}


@pytest.mark.parametrize("raw", ["", "null", "[1]", '{"limit": 5', '{"a": 1, "a": 2}', "NaN"])
async def test_what_is_no_object_goes_back_as_it_was_written(database: Database, person: Person, raw: str) -> None:
    """The model sees its own broken arguments, not a repaired reading of them."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", raw)]))
    message = conversation.messages[2]
    assert isinstance(message, AIMessage)
    assert message.tool_calls == []
    assert [(call["id"], call["args"]) for call in message.invalid_tool_calls] == [("c1", raw)]


async def test_a_call_is_open_until_it_has_a_result(database: Database, person: Person) -> None:
    """Of the last answer's calls those without a result are open, in the order they were asked."""
    three: Calls = [("c1", "list_tasks", "{}"), ("c2", "search_notes", "{}"), ("c3", "list_tasks", "{}")]
    async with talk(database, person) as (at, conversation):
        assert conversation.open_calls() == []
        await add(at, conversation, said("", three))
        assert [call.wanted.id for call in conversation.open_calls()] == ["c1", "c2", "c3"]
        await answer(at, conversation, "c2")
        assert [call.wanted.id for call in conversation.open_calls()] == ["c1", "c3"]
        await answer(at, conversation, "c1", "c3")
        assert conversation.open_calls() == []


async def test_calls_are_open_behind_words_of_the_program(database: Database, person: Person) -> None:
    """What the program tells a model between an answer and its results closes nothing."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", "{}")]))
        async with at.context.writing() as scope:
            conversation.add(scope, told("Hurry."))
        assert [call.wanted.id for call in conversation.open_calls()] == ["c1"]


async def test_a_call_keeps_its_place_in_the_run(database: Database, person: Person) -> None:
    """The place of a call is the same after a crash, and differs by answer, order and arguments."""
    twins: Calls = [("c1", "list_tasks", "{}"), ("c2", "list_tasks", "{}")]
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", twins))
        keys = [call.asked.key for call in conversation.open_calls()]
        again = await stored(at, conversation)
        assert [call.asked.key for call in again.open_calls()] == keys
        await answer(at, conversation, "c1", "c2")
        await add(at, conversation, said("", twins))
        keys += [call.asked.key for call in conversation.open_calls()]
    assert len(set(keys)) == 4


async def test_an_orphaned_call_gets_a_result_before_the_next_question(database: Database, person: Person) -> None:
    """A call that a crash or a cancel left without a result is never sent without one: providers refuse that."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", "{}"), ("c2", "search_notes", "[")]), said("Well."))
        sent = conversation.messages
    asked = next(place for place, message in enumerate(sent) if isinstance(message, AIMessage))
    results = [message.tool_call_id for message in sent[asked + 1 : asked + 3] if isinstance(message, ToolMessage)]
    assert results == ["c1", "c2"]


async def test_results_stand_directly_behind_their_calls(database: Database, person: Person) -> None:
    """Words of the program that came between calls and results are sent behind the results."""
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", "{}")]))
        async with at.context.writing() as scope:
            conversation.add(scope, told("Hurry."))
        await answer(at, conversation, "c1")
    assert [message.type for message in conversation.messages[2:]] == ["ai", "tool", "human"]


LOOK: Calls = [("x", "list_tasks", "{}")]
LOOK_ELSEWHERE: Calls = [("x", "list_tasks", '{"limit": 1}')]


@pytest.mark.parametrize(
    ("replies", "repeats"),
    [
        pytest.param([], 0, id="nothing was said"),
        pytest.param([LOOK], 1, id="once"),
        pytest.param([LOOK, LOOK, LOOK], 3, id="three times the same"),
        pytest.param([LOOK, LOOK_ELSEWHERE, LOOK], 1, id="not in a row"),
        pytest.param([LOOK, [*LOOK, *LOOK]], 1, id="once, then twice at once"),
        pytest.param([LOOK, []], 0, id="the last answer asked for nothing"),
    ],
)
async def test_going_in_circles_is_counted(
    database: Database, person: Person, replies: list[Calls], repeats: int
) -> None:
    """Answers in a row with exactly the same calls are repeats, whatever ids they have."""
    async with talk(database, person) as (at, conversation):
        for turn, calls in enumerate(replies):
            numbered = [(f"c{turn}{place}", name, raw) for place, (_, name, raw) in enumerate(calls)]
            await add(at, conversation, said("", numbered))
            await answer(at, conversation, *(call_id for call_id, _, _ in numbered))
        assert conversation.repeats() == repeats


async def test_the_model_speaks_next_unless_it_just_did(database: Database, person: Person) -> None:
    """An answer that is stored is never asked for again."""
    async with talk(database, person) as (at, conversation):
        assert conversation.awaits_model()
        await add(at, conversation, said("", [("c1", "list_tasks", "{}")]))
        assert not conversation.awaits_model()
        await answer(at, conversation, "c1")
        assert conversation.awaits_model()


async def test_a_result_that_is_owed_is_sent_at_once_and_stored_once(database: Database, person: Person) -> None:
    """A transaction that fails stores nothing of it, so the next one does."""
    ledger: list[str] = []
    async with talk(database, person) as (at, conversation):
        await add(at, conversation, said("", [("c1", "list_tasks", "{}")]))
        conversation.owe_result(
            WantedCall("c1", "list_tasks", "{}"), answered("Two."), lambda _: ledger.append("settled")
        )
        assert [type(message) for message in conversation.messages][-1] is ToolMessage

        async def paid(debt: float = 1) -> None:
            async with at.context.writing() as scope:
                conversation.pay(scope)
                assert 1 / debt

        with pytest.raises(ZeroDivisionError):
            await paid(0)
        assert (await stored(at, conversation)).results == []
        await paid()
        await paid()
        again = await stored(at, conversation)
        assert again.results == conversation.results == ['{"message": "Two."}']
    assert ledger == ["settled"] * 2
