"""Following a run over as many connections as it takes: what to ask for next, and when. It sends nothing itself.

A message is never posted twice: its `Idempotency-Key` is made before the first
try, and a decision in the same words is the same decision. A stream that breaks
is taken up again behind the last event that came.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import uniform
from typing import Final
from uuid import UUID, uuid4

from pydantic import BaseModel, JsonValue, ValidationError

from nodes.vocabulary.events import TERMINAL_TYPES
from server.client.errors import ConnectionLost, NotReady, Unreachable
from server.client.frames import Frame
from server.client.sending import Decided, Question

PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # before each try to rejoin; then the caller is told
JITTER: Final = (0.75, 1.25)  # times each pause, so that those whom one server lost do not come back at once
MS_PER_SECOND: Final = 1000


class _Head(BaseModel):
    """The part of an event that says what kind it is, in the first one of which run, in a pause that it is one."""

    class Run(BaseModel):
        id: UUID

    type: str
    run: Run | None = None
    approval: JsonValue = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as it is to be sent."""

    method: str
    path: str
    body: Mapping[str, JsonValue] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    query: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def told_nobody(_try_number: int) -> None:
    """Do nothing about a lost connection but what the client does anyway."""


@dataclass(slots=True)
class Following:
    """Where a stream stands: what to ask for in order to go on from here.

    It begins with a question, a decision on a run, or a run alone. A run that
    waits for a person may go on behind the event that says so, so the stream is
    over only when the server ends it there.
    """

    address: str
    question: Question | None = None
    decided: Decided | None = None
    run_id: UUID | None = None
    after: int = 0
    key: str = field(default_factory=lambda: uuid4().hex)
    on_lost: Callable[[int], None] = told_nobody
    over: bool = False
    _began: bool = False
    _paused: bool = False
    _losses: int = 0
    _hint_seconds: float | None = None

    def wish(self) -> Wish:
        """Return the request whose answer goes on from here."""
        if self.decided is not None and not self._began:
            return Wish("POST", f"/api/agent/runs/{self.run_id}/decision", self.decided.body())
        if self.run_id is not None:
            headers = {"Last-Event-ID": str(self.after)}
            return Wish("GET", f"/api/agent/runs/{self.run_id}/events", headers=headers)
        assert self.question is not None, "a stream begins with a question or with a run"
        return Wish("POST", "/api/agent/stream", self.question.body(), {"Idempotency-Key": self.key})

    def passed(self, frame: Frame) -> None:
        """Move behind a frame."""
        try:
            head = _Head.model_validate_json(frame.payload)
        except ValidationError:
            head = _Head(type="")
        self.after = max(self.after, frame.seq)
        self._began = True
        self._losses = 0
        self._paused = head.approval is not None
        self.over = head.type in TERMINAL_TYPES and not self._paused
        if head.run is not None:
            self.run_id = head.run.id

    def asked_back(self, retry_ms: int | None) -> None:
        """Take note of when the server wants this client back; None when it did not say."""
        self._hint_seconds = None if retry_ms is None else retry_ms / MS_PER_SECOND

    def ended(self) -> None:
        """Take note that the server ended the stream, unless it asks us back.

        Behind a pause that means it is over; and where a caller began behind an event, and
        nothing came, that was the last one of a run at rest.
        """
        at_rest = self._paused or (self.after > 0 and not self._began)
        self.over = self.over or (at_rest and self._hint_seconds is None)

    def nobody_there(self) -> None:
        """Take note that no connection could be made.

        Raises:
            Unreachable: nor was there one before; a server that was never reached is not waited for.
        """
        if not self._began and not self._losses:
            raise Unreachable(self.address)

    def not_ready(self, error: NotReady) -> None:
        """Take note that the server is there but not ready, and of when it may be."""
        if error.retry_after_seconds is not None:
            self._hint_seconds = max(self._usual_pause(), error.retry_after_seconds)

    def pause_seconds(self) -> float:
        """Return how long to wait before the next request: what the server asked for, else a little longer each time.

        Raises:
            ConnectionLost: it was tried often enough.
        """
        if self._losses == len(PAUSES_SECONDS):
            raise ConnectionLost(self.address, self.run_id, self.after)
        spread = uniform(*JITTER)  # noqa: S311 - spreads returns, keeps no secret
        seconds = self._usual_pause() * spread if self._hint_seconds is None else self._hint_seconds
        self._hint_seconds = None
        self._losses += 1
        self.on_lost(self._losses)
        return seconds

    def _usual_pause(self) -> float:
        return PAUSES_SECONDS[min(self._losses, len(PAUSES_SECONDS) - 1)]
