"""What an attempt leaves to its next transaction: stored in order, once, by that attempt or nobody."""

from collections.abc import Callable
from functools import partial

import pytest

from persistence.attempts import Attempt
from persistence.errors import Fenced
from persistence.scope import Scope
from tests.run_rows import Office


def noting(content: str) -> Callable[[Scope], None]:
    """Return what writes a note."""

    def store(scope: Scope) -> None:
        scope.send("insert into notes (content) values (%s)", (content,))

    return store


async def notes(office: Office) -> list[str]:
    """Return what the person's notes say, in the order in which they were written."""
    async with office.asking() as scope:
        query = "select content from notes order by created_at, cmin::text::integer"
        return [row["content"] for row in await scope.all(dict[str, str], query)]


async def test_what_is_owed_is_stored_once_in_front_of_what_the_next_transaction_writes(office: Office) -> None:
    """In the order in which it came, and not before."""
    attempt = Attempt(office.database, await office.begin())
    attempt.owe(noting("first"))
    attempt.owe(noting("second"))
    assert await notes(office) == []
    for content in ("third", "fourth"):
        async with attempt.writing() as scope:
            noting(content)(scope)
    assert await notes(office) == ["first", "second", "third", "fourth"]


async def test_a_transaction_that_fails_leaves_it_to_the_one_after_it(office: Office) -> None:
    """It was undone with everything else, so it is still owed."""
    attempt = Attempt(office.database, await office.begin())
    attempt.owe(noting("kept"))
    with pytest.raises(ZeroDivisionError):
        await fail(attempt)
    async with attempt.writing():
        pass
    assert await notes(office) == ["kept"]


async def fail(attempt: Attempt) -> None:
    """Open a transaction, and break it off when it has begun."""
    async with attempt.writing() as scope:
        await scope.execute("select 1")
        raise ZeroDivisionError


async def test_what_comes_while_a_transaction_is_under_way_is_left_to_the_next(office: Office) -> None:
    """It is neither lost nor stored twice."""
    attempt = Attempt(office.database, await office.begin())
    attempt.owe(noting("before"))
    async with attempt.writing():
        attempt.owe(noting("meanwhile"))
    assert await notes(office) == ["before"]
    for _ in range(2):
        async with attempt.writing():
            pass
    assert await notes(office) == ["before", "meanwhile"]


async def test_an_attempt_that_lost_its_run_stores_nothing_of_it(office: Office) -> None:
    """Not even by the hand of the attempt that took the run over, in the same process."""
    first = await office.begin()
    assert first.run_id is not None
    attempt = Attempt(office.database, first)
    attempt.owe(noting("late"))
    later = Attempt(office.database, await office.take(first.run_id))
    async with later.writing():
        pass
    with pytest.raises(Fenced):
        async with attempt.writing():
            pass
    assert await notes(office) == []


async def test_a_tools_transaction_pays_as_well(office: Office) -> None:
    """No write of a run may stand in front of what came before it."""
    attempt = Attempt(office.database, await office.begin())
    attempt.owe(noting("owed"))
    async with attempt.writing(lent=True) as scope:
        scope.after_commit(partial(attempt.owe, noting("unpaid")))
    assert await notes(office) == ["owed"]
