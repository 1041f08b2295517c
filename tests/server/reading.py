"""What tests of the server ask again and again: a client, a stream read to its end, a run in the log."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import httpx
from pydantic import JsonValue

from persistence.pools import Database
from persistence.runs import runs
from persistence.runs.runs import Run
from persistence.scope import Role
from tests.conftest import Person

STREAM = "/api/agent/stream"
PATIENCE_SECONDS = 20.0


def signed_in_client(address: str, token: str) -> httpx.AsyncClient:
    """Return a client that sends this token."""
    return httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)


@dataclass(frozen=True)
class Streamed:
    """A stream as it was read to its end."""

    body: bytes
    events: list[dict[str, JsonValue]]

    @property
    def run_id(self) -> str:
        """Return the run that the first event names."""
        run = self.events[0]["run"]
        assert isinstance(run, dict)
        return str(run["id"])

    @property
    def session_id(self) -> str:
        """Return the session that the first event names."""
        session = self.events[0]["session"]
        assert isinstance(session, dict)
        return str(session["id"])

    @property
    def types(self) -> list[str]:
        """Return the types of the events in order."""
        return [str(event["type"]) for event in self.events]


def streamed(response: httpx.Response) -> Streamed:
    """Return a stream that was answered."""
    assert response.status_code == 200, response.text
    frames = [frame for frame in response.text.split("\n\n") if frame and not frame.startswith(":")]
    return Streamed(response.content, [json.loads(frame.partition("data: ")[2]) for frame in frames])


async def send(client: httpx.AsyncClient, message: str = "Hello", **fields: JsonValue) -> Streamed:
    """Send a message and read its stream to the end."""
    return streamed(await client.post(STREAM, json={"message": message, **fields}))


async def started(client: httpx.AsyncClient, **fields: JsonValue) -> tuple[str, str]:
    """Send a message, read its first event and hang up; return the run and its session."""
    async with client.stream("POST", STREAM, json={"message": "Hello", **fields}) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                return event["run"]["id"], event["session"]["id"]
    raise AssertionError("the stream ended before its first event")


async def run_of(database: Database, person: Person, run_id: str) -> Run | None:
    """Return a run's row."""
    async with database.acting(Role.API, person.identity) as scope:
        return await runs.find(scope, UUID(run_id))


async def until(condition: Callable[[], Awaitable[bool]], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds."""
    give_up = monotonic() + patience_seconds
    while not await condition():
        assert monotonic() < give_up, "the condition never held"
        await asyncio.sleep(0.01)


async def ended(database: Database, person: Person, run_id: str) -> Run:
    """Wait for a run's end and return its row."""
    found: list[Run] = []

    async def has_ended() -> bool:
        run = await run_of(database, person, run_id)
        if run is not None and run.finished:
            found.append(run)
        return bool(found)

    await until(has_ended)
    return found[0]


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal, which has nothing else in it."""
    body = response.json()
    assert set(body) == {"error", "code"}, body
    return response.status_code, body["code"]
