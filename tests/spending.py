"""What a person spent, as an administrator sees it: time passes here by dating every charge back."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from persistence.runs.charges import WINDOW, Kind
from tests.conftest import Person


@dataclass(frozen=True)
class Spending:
    """The charges of one person."""

    administrator: psycopg.Connection[TupleRow]
    person: Person

    def pass_seconds(self, seconds: float) -> None:
        """Let so much time pass for the person, and for nobody else."""
        self.administrator.execute(
            """
            update planwright.charges set
                reserved_at = reserved_at - make_interval(secs => %s),
                charged_at = charged_at - make_interval(secs => %s)
            where user_id = %s
            """,
            (seconds, seconds, self.person.id),
        )

    def windows(self, kind: Kind, most: int) -> tuple[int, int]:
        """Return how many windows there are, one that ends at each charge, and how many hold more than `most`."""
        row = self.administrator.execute(
            """
            select count(*), count(*) filter (where spent > %s)
            from planwright.charges ending cross join lateral (
                select sum(amount) as spent from planwright.charges inside
                where inside.user_id = ending.user_id and inside.kind = ending.kind
                    and inside.charged_at > ending.charged_at - %s and inside.charged_at <= ending.charged_at
            ) as window_of_it
            where ending.user_id = %s and ending.kind = %s and ending.charged_at is not null
            """,
            (most, WINDOW, self.person.id, kind),
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def amounts(self, kind: Kind) -> list[int]:
        """Return what was charged or reserved, oldest first."""
        rows = self.administrator.execute(
            "select amount from planwright.charges where user_id = %s and kind = %s order by reserved_at, charged_at",
            (self.person.id, kind),
        )
        return [row[0] for row in rows]


@contextmanager
def spending_of(admin_dsn: str, person: Person) -> Generator[Spending]:
    """Give what a person spent."""
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        yield Spending(administrator, person)
