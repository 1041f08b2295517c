"""The planner's answer on its way to the person."""

import asyncio
import json
from dataclasses import replace

import pytest

from nodes.asking.answer_stream import AGAIN, EVENT_CHARS, PARAGRAPH, AnswerStream, say
from nodes.vocabulary.events import Event, TextSaid
from persistence.attempts import Attempt
from persistence.pools import Database
from persistence.runs import events
from tests.conftest import Person
from tests.nodes.asking.room import Room, room
from tests.run_rows import Office
from tests.server.reading import until

MAX_EVENT_BYTES = 32 * 1024


async def texts(at: Room) -> list[str]:
    """Return the content of each event of the run."""
    async with at.context.writing() as scope:
        logged = await events.after(scope, at.context.run_id, 0, 1_000)
    return [json.loads(event.payload)["content"] for event in logged]


async def test_the_first_word_goes_out_at_once(database: Database, person: Person) -> None:
    """A person sees the first delta as it comes; what follows is gathered and nothing is lost."""
    async with room(database, person, []) as at:
        stream = AnswerStream(at.context, "0")
        await stream.tell("Two")
        assert await texts(at) == ["Two"]
        for word in (" tasks", " are", " overdue."):
            await stream.tell(word)
        await stream.flush()
        assert "".join(await texts(at)) == "Two tasks are overdue."
        assert len(await texts(at)) <= 4


async def test_a_model_that_pauses_hides_no_word(database: Database, person: Person) -> None:
    """What came right behind an event goes out by itself as soon as that is old enough; nothing has to follow."""
    async with room(database, person, []) as at:
        stream = AnswerStream(at.context, "0")

        async def both_are_there() -> bool:
            return await texts(at) == ["Two", " tasks"]

        async with stream.kept():
            await stream.tell("Two")
            await stream.tell(" tasks")
            await until(both_are_there)
            await stream.tell(" are overdue.")
            await stream.flush()
        assert "".join(await texts(at)) == "Two tasks are overdue."


async def test_blank_text_waits_for_the_first_word(database: Database, person: Person) -> None:
    """A model that begins with line breaks has not said anything yet: no event, no introduction."""
    introduced: list[int] = []

    def introduce() -> tuple[str, Event] | None:
        introduced.append(1)
        return "hello", TextSaid(content="[introduced] ")

    async with room(database, person, []) as at:
        stream = AnswerStream(at.context, "0", introduce)
        await stream.tell("\n\n")
        await stream.flush()
        assert (await texts(at), stream.started, introduced) == ([], False, [])
        await stream.tell("Hi")
        await stream.flush()
        await stream.tell("!")
        await stream.flush()
        assert await texts(at) == ["[introduced] ", "\n\nHi", "!"]
    assert introduced == [1]


@pytest.mark.parametrize("letter", ["a", "\x01", "語", "😀"])
async def test_a_long_text_is_cut_into_events(database: Database, person: Person, letter: str) -> None:
    """However much comes at once, and in whatever script, an event stays below 32 KB."""
    flood = "a" + letter * 3 * EVENT_CHARS
    async with room(database, person, []) as at:
        stream = AnswerStream(at.context, "0")
        await stream.tell(flood)
        await stream.flush()
        async with at.context.writing() as scope:
            logged = await events.after(scope, at.context.run_id, 0, 100)
        assert "".join(await texts(at)) == flood
    assert len(logged) == 4
    assert all(len(event.payload.encode()) < MAX_EVENT_BYTES for event in logged)


@pytest.mark.parametrize("is_first", [False, True])
async def test_a_second_text_begins_a_paragraph(database: Database, person: Person, is_first: bool) -> None:  # noqa: FBT001
    """What is said after tools stands apart from what was said before them; a first attempt knows that by itself."""
    async with room(database, person, []) as at:
        at.context.memory.is_whole = is_first
        for place in ("0", "1"):
            stream = AnswerStream(at.context, place)
            await stream.tell("Well.")
            await stream.flush()
        assert await texts(at) == ["Well.", "\n\nWell."]


async def test_a_text_that_begins_again_says_so(database: Database, person: Person) -> None:
    """Half an answer of a worker that died stays on the screen; the new one does not run into it."""
    async with room(database, person, []) as at:
        await AnswerStream(at.context, "0").tell("Two tas")
        later = Attempt(database, await Office(database, person).take(at.context.run_id))
        at.context = replace(at.context, attempt=later)
        await AnswerStream(at.context, "0").tell("Two tasks.")
        assert await texts(at) == ["Two tas", f"{AGAIN}Two tasks."]


async def test_what_the_program_says_is_said_once(database: Database, person: Person) -> None:
    """A step that runs again after a crash repeats nothing."""
    async with room(database, person, []) as at:
        for _ in range(2):
            async with at.context.writing() as scope:
                await say(at.context, scope, "known", "That is all.")
        assert await texts(at) == ["That is all."]


async def test_a_cancel_loses_no_word_and_repeats_none(database: Database, person: Person) -> None:
    """What has come goes out, whether it was held or in the middle of being sent when the turn was cancelled."""
    began = asyncio.Event()

    async def speak(stream: AnswerStream) -> None:
        async with stream.kept():
            began.set()
            await stream.tell("Two")
            await stream.tell(" tasks")
            await asyncio.Event().wait()

    async with room(database, person, []) as at:
        for rounds in range(25):
            began.clear()
            speaking = asyncio.create_task(speak(AnswerStream(at.context, str(rounds))))
            await began.wait()
            for _ in range(rounds):
                await asyncio.sleep(0)
            speaking.cancel()
            await asyncio.wait({speaking})
            assert speaking.cancelled()
        said = "".join(await texts(at)).split(PARAGRAPH)
    assert len(said) == 25
    assert set(said) <= {"Two", "Two tasks"}
