"""How long a person with a million events waits for a list: `python -m tests.bench.large_lists`.

100,000 sessions, 1,000,000 events and 10,000 tasks of one person. What the API
shows is asked for over HTTP, what tools find through the tools themselves, each
many times, all of them in turns. `--json FILE` keeps the figures, `--short` has a
twentieth of the sessions and events and is a look.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

import httpx
import psycopg

from persistence.pools import Database
from persistence.scope import Secret
from tests.bench.large_person import LONG_RUN_EVENTS, SESSIONS, seed
from tests.bench.peers.compare import AT_ONCE, SECRET, WARM_UP, Peer, peers
from tests.bench.peers.load import one_after_another
from tests.conftest import Person
from tests.workspace_rows import Desk

ROUNDS: Final = 300
ROUNDS_SHORT: Final = 20
AIM_MS: Final = 50

Ask = Callable[[], Awaitable[object]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--short", action="store_true", help="a twentieth of the rows, a few rounds")
    arguments = parser.parse_args()
    sessions, rounds = (SESSIONS // 20, ROUNDS_SHORT) if arguments.short else (SESSIONS, ROUNDS)
    with peers(AT_ONCE, 1, []) as (ours,):
        took_ms = asyncio.run(measured(ours, sessions, rounds))
    for what, each in took_ms.items():
        cuts = statistics.quantiles(each, n=100)
        print(f"{what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms{'' if cuts[98] <= AIM_MS else ' MISSED'}")
    if arguments.json:
        arguments.json.write_text(json.dumps(took_ms, indent=1))


async def measured(ours: Peer, sessions: int, rounds: int) -> dict[str, list[float]]:
    """Put the rows there and ask for everything in turns; return how long each took, in milliseconds."""
    with psycopg.connect(ours.dsn) as admin:
        user_id = _only(admin, "select id from planwright.users where email = 'person0@example.org'")
    began = time.perf_counter()
    await asyncio.to_thread(seed, ours.dsn, user_id, sessions)
    print(f"{sessions:,} sessions with their runs, events and messages were there after", end=" ")
    print(f"{time.perf_counter() - began:.0f} s")
    await one_after_another(ours.base_url, ours.people[0], 1)
    places = _places(ours.dsn)
    database = Database(ours.dsn, Secret(SECRET.encode()))
    await database.open()
    try:
        async with httpx.AsyncClient(base_url=ours.base_url, headers=dict(ours.people[0]), timeout=60) as client:
            asks = {**_reads(client, places), **_tools(Desk(database, Person(user_id, "")), places)}
            took_ms = {what: list[float]() for what in asks}
            for _ in range(WARM_UP + rounds):
                for what, ask in asks.items():
                    started = time.perf_counter()
                    await ask()
                    took_ms[what].append((time.perf_counter() - started) * 1000)
            return {what: took[WARM_UP:] for what, took in took_ms.items()}
    finally:
        await database.close()


def _only(admin: psycopg.Connection, query: LiteralString) -> UUID:
    row = admin.execute(query).fetchone()
    assert row is not None, f"no row: {query}"
    return UUID(str(row[0]))


def _places(dsn: str) -> dict[str, UUID]:
    """Return what is asked for by its id."""
    with psycopg.connect(dsn) as admin:
        admin.execute("set search_path = planwright")
        return {
            "long_session": _only(admin, "select id from chat_sessions where title = 'Session 1'"),
            "session": _only(admin, "select id from chat_sessions where title = 'Session 4000'"),
            "long_run": _only(admin, "select id from runs order by last_seq desc limit 1"),
            "traced": _only(admin, "select id from runs order by created_at desc limit 1"),
            "run": _only(admin, "select run_id from run_events where seq = 10 order by run_id limit 1"),
            "task": _only(admin, "select id from tasks where title = 'Task 1'"),
            "project": _only(admin, "select id from projects where name = 'Project 7'"),
        }


def _reads(client: httpx.AsyncClient, place: Mapping[str, UUID]) -> dict[str, Ask]:
    """Return what the API is asked for."""

    def get(path: str, **query: object) -> Ask:
        async def ask() -> None:
            (await client.get(path, params={name: str(value) for name, value in query.items()})).raise_for_status()

        return ask

    def first_event(run: UUID, after: int) -> Ask:
        async def ask() -> None:
            path = f"/api/agent/runs/{run}/events"
            async with client.stream("GET", path, params={"after": after}) as answer:
                answer.raise_for_status()
                async for _ in answer.aiter_bytes():
                    return

        return ask

    return {
        "list of sessions": get("/api/agent/stream"),
        "a session of 2 messages": get("/api/agent/stream", session_id=place["session"]),
        "a session of 2,000 messages": get("/api/agent/stream", session_id=place["long_session"]),
        "page of sessions": get("/api/agent/sessions", limit=100),
        "search for one session": get("/api/agent/sessions", search="Session 99"),
        "list of runs": get("/api/agent/runs"),
        "runs that wait": get("/api/agent/runs", status="waiting"),
        "runs that failed, and none has": get("/api/agent/runs", status="error"),
        "search for a run, and none fits": get("/api/agent/runs", search="nowhere"),
        "runs of a session of 2,000": get(f"/api/agent/sessions/{place['long_session']}/runs"),
        "trace of a complex run": get(f"/api/agent/runs/{place['traced']}"),
        "stream of 10 events from the middle": get(f"/api/agent/runs/{place['run']}/events", after=5),
        "stream of 10 events from the end": get(f"/api/agent/runs/{place['run']}/events", after=10),
        "first event of 10,000 from the middle": first_event(place["long_run"], LONG_RUN_EVENTS // 2),
        "stream of 10,000 events, the last ten": get(
            f"/api/agent/runs/{place['long_run']}/events", after=LONG_RUN_EVENTS - 10
        ),
        "stream of 10,000 events from the end": get(
            f"/api/agent/runs/{place['long_run']}/events", after=LONG_RUN_EVENTS
        ),
    }


def _tools(desk: Desk, place: Mapping[str, UUID]) -> dict[str, Ask]:
    """Return what tools are asked for, and check once that each finds something."""

    def call(tool: str, **arguments: Any) -> Ask:  # noqa: ANN401 - JSON
        async def ask() -> None:
            answer = await desk.call(tool, **arguments)
            assert answer.success, answer.message

        return ask

    return {
        "list_tasks": call("list_tasks"),
        "list_tasks, open and high": call("list_tasks", status=["backlog", "in_progress"], priority=["high"]),
        "list_tasks of a project": call("list_tasks", project_id=str(place["project"])),
        "list_tasks by start": call("list_tasks", has_date=True, sort_by="start_date", limit=50),
        "list_tasks, newest": call("list_tasks", sort_by="created_at"),
        "get_task_details": call("get_task_details", task_id=str(place["task"])),
        "search_projects": call("search_projects", query="ject 7"),
        "search_projects, all": call("search_projects"),
        "get_project_details": call("get_project_details", project_id=str(place["project"]), include_tasks=True),
        "search_notes": call("search_notes", query="note 19"),
        "search_notes, nothing found": call("search_notes", query="nowhere"),
        "search_brain_dumps": call("search_brain_dumps", query="mind. 7"),
        "get_calendar_events": call("get_calendar_events"),
        "find_available_slots": call("find_available_slots", time_min="2026-11-26", time_max="2026-12-10"),
    }


if __name__ == "__main__":
    main()
