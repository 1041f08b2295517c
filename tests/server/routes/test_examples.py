"""`/api/agent/examples` over HTTP."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.workspace_rows import Desk

HERE = "/api/agent/examples"


async def asked(client: httpx.AsyncClient) -> list[str]:
    """Return the questions."""
    answer = (await client.get(HERE)).raise_for_status().json()
    assert set(answer) == {"examples"}
    return [str(question) for question in answer["examples"]]


async def test_questions_are_about_ones_own_data(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """What is overdue, a project of one's own and a plan over its tasks; somebody else's are about nothing of it."""
    desk = Desk(database, person)
    await desk.add_project("Nothing to do here")
    project = await desk.add_project("Website launch")
    await desk.add_project("A name of two\nlines")
    await desk.add_task(project_id=project, start_date=datetime.now(UTC) - timedelta(days=3))
    assert await asked(client) == [
        "What is overdue?",
        "How is Website launch going?",
        "Help me organize my project tasks for next week",
    ]
    assert not any("Website launch" in question for question in await asked(strangers_client))


@pytest.mark.parametrize(
    ("days", "status", "overdue"),
    [(-2, "backlog", ["What is overdue?"]), (-2, "done", []), (2, "backlog", [])],
)
async def test_overdue_is_what_was_to_start(
    client: httpx.AsyncClient, database: Database, person: Person, days: int, status: str, overdue: list[str]
) -> None:
    """A task is overdue when its day is past and it is not done."""
    await Desk(database, person).add_task(start_date=datetime.now(UTC) + timedelta(days=days), status=status)
    assert [question for question in await asked(client) if "overdue" in question] == overdue
