"""What the graph keeps between nodes."""

import pytest
from langchain_core.runnables import RunnableConfig

from graph.build import build
from persistence.checkpoints import Checkpoints
from persistence.pools import Database
from tests.conftest import Person
from tests.scripted_model.replies import text
from tests.scripted_model.script import rules, when
from tests.turns import desk, plan, step, submit


async def test_a_state_is_plain_data(database: Database, person: Person, caplog: pytest.LogCaptureFixture) -> None:
    """Every value of every checkpoint is text, a number or a truth value: the strict serializer blocks nothing."""
    script = rules(
        when(submit(), offers="submit_result"),
        when(plan(step(1), step(2)), offers="create_plan"),
        when(text("Both are done.")),
    )
    async with desk(database, person, script) as at:
        await at.ask("Look at two things")
    graph = build(Checkpoints(database, person.identity))
    thread = RunnableConfig(configurable={"thread_id": str(at.session_id)})
    kept = [snapshot.values async for snapshot in graph.aget_state_history(thread)]
    assert {type(value) for values in kept for value in values.values()} == {str, int, bool}
    assert "Blocked" not in caplog.text
