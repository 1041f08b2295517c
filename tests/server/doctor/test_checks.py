"""The doctor's checks: each fault is found and comes with one next step."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from persistence.checkup import DatabaseFacts, QueueFacts, RoleFacts, ServerFacts, examine
from persistence.migrate import migrations
from persistence.scope import DISPATCH, Role
from server.doctor.checks import Finding, Verdict, database_findings, dependency_findings, tracing_findings
from tests.conftest import TEST_SECRET

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOUND: Final = DatabaseFacts(
    server=ServerFacts(version=170006, clock=NOW, writable=True),
    roles=[
        *(RoleFacts(role, superuser=False, bypasses_rls=False, reads=8, writes=0) for role in Role),
        RoleFacts(DISPATCH, superuser=False, bypasses_rls=False, reads=0, writes=0),
    ],
    ran={migration.name: migration.checksum for migration in migrations()},
    unprotected=[],
    queue=QueueFacts(workers=1, overdue=0, upkeep_seconds=12.0),
)
EXECUTOR: Final = RoleFacts(Role.EXECUTOR, superuser=False, bypasses_rls=False, reads=8, writes=0)


def failures(findings: Iterator[Finding]) -> list[str]:
    """Give what failed, each with its text."""
    return [f"{one.subject}: {one.text}" for one in findings if one.verdict is Verdict.FAILED]


def of_server(version: int = 170006, ahead: timedelta = timedelta()) -> DatabaseFacts:
    """Give a sound database on another server."""
    return replace(SOUND, server=ServerFacts(version, NOW + ahead, writable=True))


def with_role(other: RoleFacts) -> DatabaseFacts:
    """Give a sound database with one role that is another."""
    return replace(SOUND, roles=[*(role for role in SOUND.roles if role.name != other.name), other])


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        pytest.param(SOUND, [], id="a sound one"),
        pytest.param(of_server(150014), [], id="the oldest 15"),
        pytest.param(of_server(190001), [], id="a later release than any known"),
        pytest.param(of_server(150013), ["database version: PostgreSQL 15.13 has known holes"], id="15.13"),
        pytest.param(of_server(140020), ["database version: PostgreSQL 14.20 has known holes"], id="an old major"),
        pytest.param(
            of_server(ahead=timedelta(minutes=2)), ["clock: 120 s apart from the database’s"], id="a wrong clock"
        ),
        pytest.param(
            replace(SOUND, server=replace(SOUND.server, writable=False)),
            ["database writes: are refused: it is a standby or read-only"],
            id="a standby",
        ),
        pytest.param(replace(SOUND, ran={}), [f"migrations: {len(migrations())} did not run"], id="an empty one"),
        pytest.param(
            replace(SOUND, ran={**SOUND.ran, "9999_later.sql": ""}),
            ["migrations: 9999_later.sql is from a newer release"],
            id="a newer schema",
        ),
        pytest.param(
            replace(SOUND, ran={**SOUND.ran, "0001_access.sql": "other"}),
            ["migrations: 0001_access.sql changed after it ran"],
            id="a changed migration",
        ),
        pytest.param(
            replace(SOUND, unprotected=["notes"]), ["row security: not forced on notes"], id="a table without force"
        ),
        pytest.param(
            with_role(replace(EXECUTOR, bypasses_rls=True)),
            ["planwright_executor: may step around row security"],
            id="a role that bypasses",
        ),
        pytest.param(
            with_role(replace(EXECUTOR, writes=3)),
            ["planwright_executor: may write to 3 tables"],
            id="an executor that may write",
        ),
        pytest.param(
            with_role(RoleFacts(DISPATCH, superuser=False, bypasses_rls=False, reads=2, writes=0)),
            ["planwright_dispatch: sees 2 tables of people"],
            id="a queue that sees people",
        ),
    ],
)
def test_a_fault_of_the_database_is_found(facts: DatabaseFacts, found: list[str]) -> None:
    """Version, migrations, row security, roles and clock each have their own finding."""
    assert failures(database_findings(facts, NOW)) == found


def test_runs_that_nobody_works_on_are_noted() -> None:
    """A server without a worker is no fault, but its runs wait for ever."""
    facts = replace(SOUND, queue=QueueFacts(workers=0, overdue=2, upkeep_seconds=12.0))
    [noted] = [one for one in database_findings(facts, NOW) if one.verdict is Verdict.NOTE]
    assert noted.text == "2 runs waited longer than 10 s, at 0 processes"
    assert "planwright worker" in noted.next_step


def test_what_no_superuser_took_from_executors_is_noted() -> None:
    """It writes nothing and shows nobody's rows, so it is no fault; the note says how to be rid of it."""
    [noted] = [
        one
        for one in database_findings(replace(SOUND, left_open=("large objects", "advisory locks")), NOW)
        if one.verdict is Verdict.NOTE
    ]
    assert noted.text == "executors still have large objects, advisory locks"
    assert "superuser" in noted.next_step


@pytest.mark.parametrize(
    ("workers", "upkeep_seconds", "verdict", "text"),
    [
        (1, 12.0, Verdict.OK, "12 s ago"),
        (1, float("inf"), Verdict.NOTE, "has not been done for 5 minutes"),
        (0, float("inf"), Verdict.NOTE, "rests while no process works on runs"),
    ],
)
def test_upkeep_that_rests_is_noted(workers: int, upkeep_seconds: float, verdict: Verdict, text: str) -> None:
    """Where nobody looks after what runs out, the doctor says why that is, and what to do."""
    facts = replace(SOUND, queue=QueueFacts(workers, overdue=0, upkeep_seconds=upkeep_seconds))
    [upkeep] = [one for one in database_findings(facts, NOW) if one.subject == "upkeep"]
    assert (upkeep.verdict, upkeep.text) == (verdict, text)
    assert bool(upkeep.next_step) is (verdict is Verdict.NOTE)


def test_every_failure_names_a_next_step() -> None:
    """Whoever reads a failure knows what to do."""
    broken = with_role(replace(EXECUTOR, superuser=True))
    broken = replace(broken, unprotected=["notes"], server=ServerFacts(90000, NOW + timedelta(hours=1), writable=False))
    steps = [one.next_step for one in database_findings(broken, NOW) if one.verdict is Verdict.FAILED]
    assert (len(steps), all(steps)) == (5, True)


def test_a_real_database_has_no_fault(admin_dsn: str) -> None:
    """What `migrate` makes passes every check, with the executor reading eight tables and writing none."""
    facts = examine(admin_dsn, TEST_SECRET)
    assert failures(database_findings(facts, datetime.now(UTC))) == []
    assert next(role for role in facts.roles if role.name == Role.EXECUTOR) == EXECUTOR


@pytest.mark.parametrize(
    ("environment", "noted"),
    [
        ({}, []),
        ({"LANGSMITH_TRACING": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}, []),
        ({"LANGCHAIN_TRACING_V2": "True"}, ["LANGCHAIN_TRACING_V2 sends runs out of this machine"]),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"},
            ["OTEL_EXPORTER_OTLP_ENDPOINT sends runs out of this machine"],
        ),
    ],
)
def test_tracing_that_sends_data_out_is_noted(environment: dict[str, str], noted: list[str]) -> None:
    """It may be meant, so it is a note; it is never silent."""
    assert [one.text for one in tracing_findings(environment, has_extra=True) if one.verdict is Verdict.NOTE] == noted


def test_an_endpoint_without_the_extra_is_noted() -> None:
    """Nothing is sent then, and the note says what to install."""
    (finding,) = tracing_findings({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}, has_extra=False)
    assert finding.verdict is Verdict.NOTE
    assert finding.text == "OTEL_EXPORTER_OTLP_ENDPOINT is set, and nothing is sent by it"
    assert "planwright[otel]" in finding.next_step


def test_the_dependencies_here_are_at_their_floors() -> None:
    """The lock never goes below the floors of pyproject.toml."""
    (finding,) = dependency_findings()
    assert finding.verdict is Verdict.OK
