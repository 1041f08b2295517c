"""Planwright behind HTTP: the same backend as in this process, over the documented contract.

A message is never posted twice: its `Idempotency-Key` is made before the first
try, and a decision in the same words is the same decision. A stream that breaks
is taken up again behind the last event that came.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from uuid import UUID, uuid4

import httpx
import typer
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from nodes.vocabulary.events import TERMINAL_TYPES
from server.terminal.backend import Branch, Decided, ExportForm, Question
from server.terminal.exits import CommandFailed, ExitCode, exit_code_of_status
from server.terminal.frames import Frame, FrameReader
from server.terminal.printable import one_line
from server.terminal.wording import MS_PER_SECOND
from server.undoing import Undoing

PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # before each try to rejoin; then the person is told
SILENCE_SECONDS: Final = 35.0  # heartbeats come every 15 s: two missed ones and the connection is lost
CONNECT_TIMEOUT_SECONDS: Final = 10.0
ERROR_CHARS: Final = 300
WAITING: Final = "waiting"  # as the status of a run that a person is to decide on
SIGN_IN_ADVICE: Final = " Make one with `planwright token new --user EMAIL` and set PLANWRIGHT_TOKEN to it."

_UNDOING: Final = TypeAdapter(Undoing)
COMES_BACK: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


class _Refusal(BaseModel):
    """The small body of every refusal."""

    error: str


class _Head(BaseModel):
    """The part of an event that says what kind it is, in the first one of which run, in a pause that it is one."""

    class Run(BaseModel):
        id: UUID

    type: str
    run: Run | None = None
    approval: JsonValue = None


class _Trace(BaseModel):
    """The part of a run's trace that says where it stands."""

    class Run(BaseModel):
        status: str

    run: Run


class _NewRun(BaseModel):
    """The part of an answer that names the run which was begun."""

    class Run(BaseModel):
        id: UUID

    run: Run


class _Lost(Exception):
    """The connection broke, or a machine on the way is not ready."""


@dataclass(slots=True)
class _Place:
    """Where a stream stands: what to ask for in order to go on from here.

    A run that waits for a person may go on behind the event that says so, so
    the stream is over only when the server ends it there.
    """

    question: Question | None = None
    decided: Decided | None = None
    run_id: UUID | None = None
    after: int = 0
    began: bool = False
    paused: bool = False
    over: bool = False
    retry_ms: int | None = None
    key: str = field(default_factory=lambda: uuid4().hex)

    def passed(self, frame: Frame) -> None:
        """Move behind a frame."""
        try:
            head = _Head.model_validate_json(frame.payload)
        except ValidationError:
            head = _Head(type="")
        self.after = max(self.after, frame.seq)
        self.began = True
        self.paused = head.approval is not None
        self.over = head.type in TERMINAL_TYPES and not self.paused
        if head.run is not None:
            self.run_id = head.run.id

    def closed(self) -> None:
        """Take note that the server ended the stream; behind a pause that means it is over, unless it asks us back."""
        self.over = self.over or (self.paused and self.retry_ms is None)

    def request(self, client: httpx.AsyncClient) -> httpx.Request:
        """Return the request whose answer goes on from here."""
        if self.decided is not None and not self.began:
            return client.build_request("POST", f"/api/agent/runs/{self.run_id}/decision", json=self.decided.body())
        if self.run_id is not None:
            headers = {"Last-Event-ID": str(self.after)}
            return client.build_request("GET", f"/api/agent/runs/{self.run_id}/events", headers=headers)
        assert self.question is not None, "a stream begins with a question or with a run"
        body = {
            "message": self.question.message,
            "context_type": self.question.context_type,
            "session_id": _text(self.question.session_id),
            "entity_id": _text(self.question.entity_id),
            "approvals": self.question.approvals,
        }
        named = {name: value for name, value in body.items() if value is not None}
        return client.build_request("POST", "/api/agent/stream", json=named, headers={"Idempotency-Key": self.key})


class RemoteBackend:
    """Planwright at an address. Implements `Backend`."""

    def __init__(self, client: httpx.AsyncClient, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._client: Final = client
        self._pause: Final = pause

    def ask(self, question: Question) -> AsyncGenerator[Frame]:
        """Post the message once and follow its run to its end."""
        return self._lasting(_Place(question=question))

    def follow(self, run_id: UUID, after: int) -> AsyncGenerator[Frame]:
        """Follow a run from behind event `after`."""
        return self._lasting(_Place(run_id=run_id, after=after))

    def decide(self, run_id: UUID, decided: Decided) -> AsyncGenerator[Frame]:
        """Post the decision and follow the run from there."""
        return self._lasting(_Place(run_id=run_id, decided=decided))

    async def waits(self, run_id: UUID) -> bool:
        """Say whether a run waits for a person."""
        response = await self._answered("GET", f"/api/agent/runs/{run_id}")
        _refuse(response)
        return _Trace.model_validate_json(response.content).run.status == WAITING

    async def cancel(self, run_id: UUID) -> bool:
        """Ask for a run to be stopped."""
        response = await self._answered("POST", f"/api/agent/runs/{run_id}/cancel")
        if response.status_code != HTTPStatus.CONFLICT:
            _refuse(response)
        return response.is_success

    async def export(self, run_id: UUID, form: ExportForm) -> bytes:
        """Ask for the file."""
        response = await self._answered("GET", f"/api/agent/runs/{run_id}/export?as={form}")
        _refuse(response)
        return response.content

    async def replay(self, run_id: UUID) -> UUID:
        """Have it begun there."""
        return await self._begun(f"/api/agent/runs/{run_id}/replay", None)

    async def fork(self, run_id: UUID, branch: Branch) -> UUID:
        """Have it begun there."""
        return await self._begun(f"/api/agent/runs/{run_id}/fork", branch.body())

    async def _begun(self, path: str, body: object) -> UUID:
        response = await self._answered("POST", path, body)
        _refuse(response)
        return _NewRun.model_validate_json(response.content).run.id

    async def undo(self, run_id: UUID) -> Undoing:
        """Have it undone there."""
        response = await self._answered("POST", f"/api/agent/runs/{run_id}/undo")
        _refuse(response)
        return _UNDOING.validate_json(response.content)

    async def _answered(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise self._unreachable() from error
        if response.status_code in COMES_BACK:
            raise self._unreachable()
        return response

    async def _lasting(self, place: _Place) -> AsyncGenerator[Frame]:
        """Yield a stream's frames over as many connections as it takes."""
        losses = 0
        while not place.over:
            try:
                async for frame in self._frames(place):
                    losses = 0
                    place.passed(frame)
                    yield frame
                place.closed()
            except httpx.ConnectError as error:
                if not place.began and not losses:
                    raise self._unreachable() from error
            except (_Lost, httpx.TransportError):
                pass
            if not place.over:
                await self._wait(losses, place)
                losses += 1

    async def _frames(self, place: _Place) -> AsyncGenerator[Frame]:
        reader = FrameReader()
        response = await self._client.send(place.request(self._client), stream=True)
        try:
            if response.is_error:
                await response.aread()
                _refuse(response)
            async for piece in response.aiter_bytes():
                for frame in reader.feed(piece):
                    yield frame
                place.retry_ms = reader.retry_ms
        finally:
            await response.aclose()

    async def _wait(self, losses: int, place: _Place) -> None:
        if losses == len(PAUSES_SECONDS):
            rejoin = "" if place.run_id is None else f" The run goes on; rejoin it with: planwright tail {place.run_id}"
            raise CommandFailed(ExitCode.UNREACHABLE, f"The connection to {self._client.base_url} is lost.{rejoin}")
        typer.echo(f"Connection lost, reconnecting ({losses + 1})…", err=True)
        hint, place.retry_ms = place.retry_ms, None
        await self._pause(PAUSES_SECONDS[losses] if hint is None else hint / MS_PER_SECOND)

    def _unreachable(self) -> CommandFailed:
        text = f"Nobody answers at {self._client.base_url}. Start a server there with `planwright serve`."
        return CommandFailed(ExitCode.UNREACHABLE, text)


def client_for(server: str, token: str) -> httpx.AsyncClient:
    """Return an HTTP client for a server, signed in with a token.

    Raises:
        CommandFailed: the address is none, or there is no token.
    """
    if not server.startswith(("http://", "https://")):
        raise CommandFailed(ExitCode.USAGE, "The server's address begins with http:// or https://.")
    if not token:
        raise CommandFailed(ExitCode.NOT_SIGNED_IN, f"No token is given.{SIGN_IN_ADVICE}")
    return httpx.AsyncClient(
        base_url=server,
        headers={"Authorization": f"Bearer {token}"},
        timeout=httpx.Timeout(CONNECT_TIMEOUT_SECONDS, read=SILENCE_SECONDS),
    )


def _refuse(response: httpx.Response) -> None:
    """Turn an error status into the command's own failure, in the server's words.

    Raises:
        _Lost: the server is there but not ready; trying again is right.
        CommandFailed: the server refused.
    """
    if not response.is_error:
        return
    if response.status_code in COMES_BACK:
        raise _Lost
    try:
        text = one_line(_Refusal.model_validate_json(response.content).error, ERROR_CHARS)
    except ValidationError:
        text = f"The server answered {response.status_code}."
    wait = response.headers.get("Retry-After", "")
    advice = f" Try again in {wait} s." if wait.isdecimal() else ""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        advice = SIGN_IN_ADVICE
    raise CommandFailed(exit_code_of_status(response.status_code), text + advice)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
