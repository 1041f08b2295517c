"""What the planner's estimates could give away: EXPLAIN is everybody's, and estimates come from samples of all rows."""

import json
from collections.abc import Generator
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection

from persistence.scope import Role
from tests.conftest import Person
from tests.persistence.test_scope import signed

ROWS: Final = 3000
VICTIM: Final = str(uuid4())

# Two conditions each that no row of the attacker's fits. The first is true of the victim's, the second of nobody's.
GUESSES: Final = {
    "a text that is there often": ("content = 'merger with acme'", "content = 'merger with nobody'"),
    "where the texts lie": ("content > 'm' and content < 'n'", "content > 'q' and content < 'r'"),
    "where the ids lie": ("id < 'ffffffff-ffff-4fff-bfff-ffffffffffff'", "id < '00000000-0000-4000-8000-000000000000'"),
    "how much somebody has": (f"user_id = '{VICTIM}'", f"user_id = '{uuid4()}'"),
    "what somebody's tags are": ("tags @> '{merger}'", "tags @> '{nothing}'"),
}


@pytest.fixture
def administrator(admin_dsn: str) -> Generator[Connection]:
    """Give a transaction over the suite's database that is rolled back."""
    with psycopg.connect(admin_dsn) as connection:
        yield connection
        connection.rollback()


def notes_of_a_victim(administrator: Connection) -> None:
    """Give another person many notes, and the planner a fresh sample of them."""
    administrator.execute("insert into planwright.users (id, email) values (%s, 'victim@example.org')", (VICTIM,))
    administrator.execute(
        """
        insert into planwright.notes (user_id, content, tags)
        select %s, case when n %% 2 = 0 then 'merger with acme' else 'm' || n end, '{merger}'
        from generate_series(1, %s) n
        """,
        (VICTIM, ROWS),
    )
    administrator.execute("analyze planwright.notes")


def estimates(administrator: Connection, person: Person, conditions: tuple[str, str]) -> list[int]:
    """Return how many rows an executor of the person is told to expect for each condition."""
    administrator.execute("set local session authorization planwright_executor")
    administrator.execute("select set_config('planwright.context', %s, true)", (signed(person.id, Role.EXECUTOR),))
    plans: list[int] = []
    for condition in conditions:
        statement = f"explain (format json) select from planwright.notes where {condition}"
        row = administrator.execute(statement.encode()).fetchone()
        assert row is not None
        plans.append(json.loads(json.dumps(row[0]))[0]["Plan"]["Plan Rows"])
    return plans


@pytest.mark.parametrize("guess", GUESSES)
def test_estimates_tell_nothing_of_what_others_wrote(administrator: Connection, person: Person, guess: str) -> None:
    """The planner expects as many rows for what is in other people's rows as for what is in nobody's."""
    notes_of_a_victim(administrator)
    right, wrong = estimates(administrator, person, GUESSES[guess])
    assert right == wrong


@pytest.mark.parametrize("guess", ["a text that is there often", "where the texts lie", "where the ids lie"])
def test_they_would_with_statistics(administrator: Connection, person: Person, guess: str) -> None:
    """With Postgres's own statistics the same guesses are confirmed: the equal numbers above are no accident."""
    for column in ("content", "id"):
        administrator.execute(f"alter table planwright.notes alter column {column} set statistics 100".encode())
    notes_of_a_victim(administrator)
    right, wrong = estimates(administrator, person, GUESSES[guess])
    assert right != wrong
