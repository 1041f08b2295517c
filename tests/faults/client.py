"""A person's side: messages sent, logs followed, the raw bytes kept."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx

from tests.faults.site import Member, Person

TIMEOUT_SECONDS: Final = 40.0
STREAM: Final = "/api/agent/stream"
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it came: its number, and the exact bytes of its frame."""

    seq: int
    raw: bytes

    @property
    def event(self) -> Event:
        """Return the event."""
        _, _, line = self.raw.partition(b"data: ")
        event: Event = json.loads(line)
        return event


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that was accepted, as its stream's first event says."""

    run_id: UUID
    session_id: UUID


class Client:
    """One person at one server, which may be another one later."""

    def __init__(self, person: Person, server: Member) -> None:
        assert server.address is not None, "a worker has no address"
        self._http: Final = httpx.AsyncClient(
            base_url=server.address,
            headers=person.headers,
            timeout=TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=None),
        )

    async def close(self) -> None:
        """Let go of every connection."""
        await self._http.aclose()

    async def send(
        self, message: str, *, key: str | None = None, session_id: UUID | None = None, approvals: str | None = None
    ) -> Accepted:
        """Send a message and leave as soon as it is accepted: a closed tab."""
        async with self.sending(message, key=key, session_id=session_id, approvals=approvals) as answer:
            answer.raise_for_status()
            async for frame in Stream(answer):
                return accepted(frame)
        raise AssertionError("a stream begins with an event")

    @asynccontextmanager
    async def sending(
        self,
        message: str,
        *,
        key: str | None = None,
        session_id: UUID | None = None,
        approvals: str | None = None,
        query: str = "",
    ) -> AsyncGenerator[httpx.Response]:
        """Send a message and give the answer, whatever it is."""
        fields = {"message": message, "session_id": session_id and str(session_id), "approvals": approvals}
        body = {name: value for name, value in fields.items() if value is not None}
        headers = {} if key is None else {"Idempotency-Key": key}
        async with self._http.stream("POST", f"{STREAM}{query}", json=body, headers=headers) as answer:
            yield answer

    async def follow(self, run_id: UUID, after: int = 0) -> list[Frame]:
        """Read a run's log behind an event to the end of the stream."""
        async with self.following(run_id, after) as answer:
            answer.raise_for_status()
            return [frame async for frame in Stream(answer)]

    @asynccontextmanager
    async def following(self, run_id: UUID, after: int = 0) -> AsyncGenerator[httpx.Response]:
        """Open a run's log behind an event."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        async with self._http.stream("GET", f"/api/agent/runs/{run_id}/events", headers=headers) as answer:
            yield answer

    async def approve(self, run_id: UUID, digest: str) -> httpx.Response:
        """Approve the calls that a run waits with."""
        body = {"digest": digest, "decision": "approve"}
        return await self._http.post(f"/api/agent/runs/{run_id}/decision", json=body)

    async def cancel(self, run_id: UUID) -> httpx.Response:
        """Ask for a run to be stopped."""
        return await self._http.post(f"/api/agent/runs/{run_id}/cancel")

    async def get(self, path: str) -> Mapping[str, Any]:
        """Read something as JSON."""
        answer = await self._http.get(path)
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found


class Stream:
    """The events of an answer as they come. `retry` is the hint that a server gives when it stops."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer: Final = answer
        self.retry = False

    async def __aiter__(self) -> AsyncGenerator[Frame]:
        """Yield each event; comments are passed over."""
        held = b""
        async for data in self._answer.aiter_raw():
            *whole, held = (held + data).split(b"\n\n")
            for raw in whole:
                self.retry = self.retry or raw.startswith(b"retry:")
                if raw.startswith(b"id: "):
                    yield Frame(int(raw.split(b"\n", 1)[0].removeprefix(b"id: ")), raw + b"\n\n")


def accepted(first: Frame) -> Accepted:
    """Return what a stream's first event names."""
    event = first.event
    return Accepted(UUID(event["run"]["id"]), UUID(event["session"]["id"]))
