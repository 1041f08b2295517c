"""What `/metrics` says: what this process counted, how it stands now, and how all processes together do."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from persistence import standing
from persistence.errors import PersistenceError
from persistence.scope import Identity, Role
from server.counted import COUNTED
from server.readiness import NOBODY
from server.wiring import Planwright

STATUSES: Final = ("queued", "running", "waiting", "done", "error", "cancelled")


async def exposition(planwright: Planwright) -> bytes:
    """Return all numbers in Prometheus' text format; those of a database that is away are left out."""
    now = CollectorRegistry()
    _of_this_process(now, planwright)
    try:
        await _of_all(now, planwright)
    except PersistenceError:
        _gauge(now, "database_up", "Whether the database could be asked.", 0)
    else:
        _gauge(now, "database_up", "Whether the database could be asked.", 1)
    return generate_latest(COUNTED) + generate_latest(now)


def _of_this_process(now: CollectorRegistry, planwright: Planwright) -> None:
    used = planwright.database.use()
    _gauge(now, "streams", "Readers that follow a run here.", len(planwright.hub))
    _by(now, "connections_open", "Database connections here.", "role", {role: of.open for role, of in used.items()})
    _by(now, "connections_busy", "Those in use.", "role", {role: of.busy for role, of in used.items()})
    _by(now, "connections_awaited", "Who waits for one.", "role", {role: of.awaited for role, of in used.items()})


async def _of_all(now: CollectorRegistry, planwright: Planwright) -> None:
    async with planwright.database.acting(Role.API, Identity(NOBODY)) as scope:
        stands = await standing.standing(scope, planwright.queue, planwright.worker.lease_seconds)
        counted = await standing.runs_by_status(scope)
    _gauge(now, "queue_jobs", "Runs that wait for a worker.", stands.waiting)
    _gauge(now, "queue_oldest_seconds", "How long the first of them has waited.", stands.oldest_seconds)
    _gauge(now, "workers", "Processes that work on runs.", stands.workers)
    runs = dict.fromkeys(STATUSES, 0) | {of.status: of.runs for of in counted}
    _by(now, "runs", "Runs that have not ended, or ended within an hour.", "status", runs)


def _gauge(now: CollectorRegistry, name: str, text: str, value: float) -> None:
    Gauge(f"planwright_{name}", text, registry=now).set(value)


def _by(now: CollectorRegistry, name: str, text: str, label: str, values: Mapping[str, float]) -> None:
    gauge = Gauge(f"planwright_{name}", text, [label], registry=now)
    for of, value in values.items():
        gauge.labels(of).set(value)
