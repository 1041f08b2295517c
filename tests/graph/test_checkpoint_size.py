"""How much a session's checkpoints grow."""

from typing import Final

import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.scripted_model.replies import call, text, tools
from tests.turns import Desk, desk

TURNS: Final = 30
EARLY: Final = 5
GROWTH_MAX: Final = 1.2


async def stored_bytes(here: Desk) -> int:
    """Return what the person's checkpoints take."""
    (row,) = await here.rows(
        """
        select coalesce(sum(bytes), 0) as bytes from (
            select pg_column_size(c.*) as bytes from checkpoints c
            union all select pg_column_size(b.*) from checkpoint_blobs b
            union all select pg_column_size(w.*) from checkpoint_writes w) as rows
        """
    )
    return int(row["bytes"])


@pytest.mark.figure
async def test_a_turn_costs_the_same_however_long_the_session(database: Database, person: Person) -> None:
    """The thirtieth turn of a session stores about as many bytes of checkpoints as the fifth, and no pending writes."""
    replies = [reply for _ in range(TURNS) for reply in (tools(call("list_tasks", {"limit": 5})), text("Here."))]
    sizes = [0]
    async with desk(database, person, replies) as here:
        for number in range(TURNS):
            turn = await here.ask(f"What is overdue? ({number})")
            assert turn.run.status == "done"
            sizes.append(await stored_bytes(here))
        (writes,) = await here.rows("select count(distinct checkpoint_id) as of_checkpoints from checkpoint_writes")
    early, late = sizes[EARLY] - sizes[EARLY - 1], sizes[TURNS] - sizes[TURNS - 1]
    print(f"checkpoints of a turn with one tool call: {early} bytes at turn {EARLY}, {late} at turn {TURNS}")
    assert late <= GROWTH_MAX * early
    assert writes["of_checkpoints"] <= 1
