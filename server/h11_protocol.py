"""uvicorn's side of a connection, as we answer what is not HTTP, and for how long we wait for it to become some."""

from asyncio import BaseTransport, TimerHandle, Transport
from typing import Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.answers import answered
from server.refusals import BodyRefused
from server.security_headers import SECURITY_HEADERS

HEAD_SECONDS: Final = 30.0  # for the head of a request; a connection that takes longer keeps a place from others


class PatientProtocol(H11Protocol):
    """Refuses what is not HTTP in our words, and hangs up on whoever never finishes asking."""

    _head_due: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first request."""
        super().connection_made(cast("Transport", transport))
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read on; a head that is whole by now is waited for no longer."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parent's
        """Refuse what is not HTTP, unless an answer is on its way, and hang up."""
        if self.conn.our_state is not h11.IDLE:
            self.cycle.disconnected = True  # whoever works on the request so far has nobody to answer any more
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._refuse()
        self.transport.close()

    def _refuse(self) -> None:
        refusal = answered(BodyRefused("bad_request"))
        ours = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS]
        head = h11.Response(status_code=refusal.status_code, headers=[*refusal.raw_headers, *ours])
        for event in (head, h11.Data(data=bytes(refusal.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

    def _watch(self) -> None:
        """Have the connection closed in time while it owes us a request, and only then."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._head_due is None:
            self._head_due = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None
