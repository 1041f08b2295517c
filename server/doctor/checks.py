"""The checks of `planwright doctor`: facts in, findings out. Each failure names one next step."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from persistence.checkup import OVERDUE_SECONDS, DatabaseFacts, QueueFacts, RoleFacts
from persistence.migrate import migrations
from persistence.scope import DISPATCH, Role
from server.terminal.wording import counted
from server.tracing.switch import switches

# The first releases without the published advisories of 2025; older majors are out of support.
POSTGRES_FLOORS: Final = {15: 150014, 16: 160010, 17: 170006, 18: 180000}
CLOCK_DIFFERENCE_SECONDS: Final = 30.0  # the leeway of tokens; a signed context lives 300 s
UPKEEP_LATE_SECONDS: Final = 300.0  # a round is due each minute
TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})
TRACING_SWITCHES: Final = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
DISTRIBUTION: Final = "planwright"
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?>=([0-9.]+)")


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome; `next_step` is what to do about it."""

    verdict: Verdict
    subject: str
    text: str
    next_step: str = ""


def database_findings(facts: DatabaseFacts, now: datetime) -> Iterator[Finding]:
    """Yield what there is to say about a database that answered."""
    yield _version(facts.server.version)
    yield _writable(writable=facts.server.writable)
    yield _migrated(facts.ran)
    if facts.ran:
        yield _protected(facts.unprotected)
        yield from (_role(role, facts.roles) for role in Role)
        yield _dispatch(facts.roles)
        yield _left_open(facts.left_open)
    if facts.queue is not None:
        yield _queue(facts.queue)
        yield _upkeep(facts.queue)
    yield _clock(facts.server.clock - now)


def _version(number: int) -> Finding:
    major, minor = divmod(number, 10_000)
    floor = POSTGRES_FLOORS.get(major)
    named = f"PostgreSQL {major}.{minor}"
    if number >= POSTGRES_FLOORS[max(POSTGRES_FLOORS)] or (floor is not None and number >= floor):
        return Finding(Verdict.OK, "database version", named)
    step = f"Update it to {major}.{floor % 10_000}." if floor else "Move to PostgreSQL 16.10 or newer."
    return Finding(Verdict.FAILED, "database version", f"{named} has known holes", step)


def _writable(*, writable: bool) -> Finding:
    subject = "database writes"
    if writable:
        return Finding(Verdict.OK, subject, "are taken")
    return Finding(Verdict.FAILED, subject, "are refused: it is a standby or read-only", "Name the primary server.")


def _migrated(ran: Mapping[str, str]) -> Finding:
    known = {migration.name: migration.checksum for migration in migrations()}
    pending = sorted(known.keys() - ran.keys())
    newer = sorted(ran.keys() - known.keys())
    changed = sorted(name for name in known.keys() & ran.keys() if known[name] != ran[name])
    subject = "migrations"
    if newer:
        return Finding(Verdict.FAILED, subject, f"{newer[0]} is from a newer release", "Upgrade Planwright.")
    if changed:
        return Finding(Verdict.FAILED, subject, f"{changed[0]} changed after it ran", "Install the release anew.")
    if pending:
        return Finding(Verdict.FAILED, subject, f"{len(pending)} did not run", "Run `planwright migrate`.")
    return Finding(Verdict.OK, subject, f"all {len(known)} ran")


def _protected(unprotected: list[str]) -> Finding:
    if unprotected:
        step = f"Run: alter table planwright.{unprotected[0]} force row level security"
        return Finding(Verdict.FAILED, "row security", f"not forced on {', '.join(unprotected)}", step)
    return Finding(Verdict.OK, "row security", "forced on every table with somebody’s rows")


def _role(role: Role, held: list[RoleFacts]) -> Finding:
    facts = _held(role, held)
    if isinstance(facts, Finding):
        return facts
    if role is Role.EXECUTOR and facts.writes:
        step = f"Run: revoke insert, update, delete, truncate on all tables in schema planwright from {role}"
        return Finding(Verdict.FAILED, role, f"may write to {facts.writes} tables", step)
    return Finding(Verdict.OK, role, f"reads {facts.reads} tables, writes {facts.writes}, cannot bypass row security")


def _dispatch(held: list[RoleFacts]) -> Finding:
    facts = _held(DISPATCH, held)
    if isinstance(facts, Finding):
        return facts
    if facts.reads or facts.writes:
        step = f"Run: revoke all on all tables in schema planwright from {DISPATCH}"
        return Finding(Verdict.FAILED, DISPATCH, f"sees {max(facts.reads, facts.writes)} tables of people", step)
    return Finding(Verdict.OK, DISPATCH, "works the queue, sees no table of people")


def _left_open(left: Sequence[str]) -> Finding:
    """Say what executors may do since no superuser took it from them; none of it reads or changes a row."""
    subject = "rights of everybody"
    if left:
        step = "Run `planwright migrate` once with a superuser in PLANWRIGHT_DATABASE_URL."
        return Finding(Verdict.NOTE, subject, f"executors still have {', '.join(left)}", step)
    return Finding(Verdict.OK, subject, "taken away from executors")


def _held(role: str, held: list[RoleFacts]) -> RoleFacts | Finding:
    """Return what a role may do, or what is wrong with it whatever it is for."""
    facts = next((one for one in held if one.name == role), None)
    if facts is None:
        return Finding(Verdict.FAILED, role, "is not there", "Run `planwright migrate`.")
    if facts.superuser or facts.bypasses_rls:
        step = f"Run: alter role {role} nosuperuser nobypassrls"
        return Finding(Verdict.FAILED, role, "may step around row security", step)
    return facts


def _queue(queue: QueueFacts) -> Finding:
    workers = "1 process" if queue.workers == 1 else f"{queue.workers} processes"
    if queue.overdue:
        text = f"{counted(queue.overdue, 'run')} waited longer than {OVERDUE_SECONDS:.0f} s, at {workers}"
        return Finding(Verdict.NOTE, "queue", text, "Start `planwright worker`, or `planwright serve`.")
    return Finding(Verdict.OK, "queue", f"{workers} at work, no run waits for one")


def _upkeep(queue: QueueFacts) -> Finding:
    """Approvals run out and old logs go only where some process looks after it; each that works does."""
    if queue.upkeep_seconds <= UPKEEP_LATE_SECONDS:
        return Finding(Verdict.OK, "upkeep", f"{queue.upkeep_seconds:.0f} s ago")
    if not queue.workers:
        return Finding(Verdict.NOTE, "upkeep", "rests while no process works on runs", "Start `planwright worker`.")
    text = f"has not been done for {UPKEEP_LATE_SECONDS / 60:.0f} minutes"
    return Finding(Verdict.NOTE, "upkeep", text, "Read the workers’ logs for lines of server.upkeep.")


def _clock(difference: timedelta) -> Finding:
    seconds = abs(difference.total_seconds())
    if seconds > CLOCK_DIFFERENCE_SECONDS:
        step = "Set both clocks by NTP."
        return Finding(Verdict.FAILED, "clock", f"{seconds:.0f} s apart from the database’s", step)
    return Finding(Verdict.OK, "clock", f"{seconds * 1000:.0f} ms apart from the database’s")


def tracing_findings(environment: Mapping[str, str], *, has_extra: bool) -> Iterator[Finding]:
    """Yield a note for each variable that sends what people write to somewhere else, or would with the extra."""
    on = [name for name in TRACING_SWITCHES if environment.get(name, "").lower() in TRUE_WORDS]
    wanted = switches(environment)
    for name in [*on, *(wanted if has_extra else [])]:
        yield Finding(Verdict.NOTE, "tracing", f"{name} sends runs out of this machine", f"Unless meant: unset {name}")
    if wanted and not has_extra:
        step = "Install the extra: pip install 'planwright[otel]'"
        yield Finding(Verdict.NOTE, "tracing", f"{wanted[0]} is set, and nothing is sent by it", step)
    elif not on and not wanted:
        yield Finding(Verdict.OK, "tracing", "nothing is sent out")


def dependency_findings() -> Iterator[Finding]:
    """Yield a failure for each dependency below its floor, else one line for all."""
    floors = dict(_floors())
    low = [(name, floor, found) for name, floor in floors.items() if _order(found := _installed(name)) < _order(floor)]
    for name, floor, found in low:
        text = f"{name} {found or 'is missing'}, below its floor {floor}"
        yield Finding(Verdict.FAILED, "dependencies", text, "Run `make install`, or install from requirements.lock.")
    if not low:
        yield Finding(Verdict.OK, "dependencies", f"{len(floors)} at or above their floors")


def _floors() -> Iterator[tuple[str, str]]:
    for requirement in requires(DISTRIBUTION) or []:
        named, _, marker = requirement.partition(";")
        match = _REQUIREMENT.fullmatch(named.strip())
        if match is not None and "extra" not in marker:
            yield match[1], match[2]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _order(release: str) -> tuple[int, ...]:
    """Return what a release sorts by; a missing one sorts first, a pre-release as its release."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", release)[0]))
