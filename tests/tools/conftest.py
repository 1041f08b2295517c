"""A desk for each of two people."""

import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.workspace_rows import Desk


@pytest.fixture
def desk(database: Database, person: Person) -> Desk:
    """Give a person's empty workspace."""
    return Desk(database, person)


@pytest.fixture
def strangers(database: Database, stranger: Person) -> Desk:
    """Give the empty workspace of someone else, whose rows the first must never see."""
    return Desk(database, stranger)
