"""A run in one JSON document: its trace, its sums, its messages and its log, to be opened again elsewhere.

The document says which format it is of. A later program reads every version
that there ever was, or says that it cannot.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from persistence.record import messages, sessions, sums
from persistence.record.messages import Message
from persistence.record.sessions import Session
from persistence.record.sums import Sums
from persistence.runs import events
from persistence.runs.events import RecordedEvent
from persistence.scope import Scope
from server import __version__
from server.trace import Trace, trace_of

Format = Literal["planwright-run"]
Version = Literal[1]
VERSION: Final[Version] = 1  # raised when a program of before could not read the document


@dataclass(frozen=True, slots=True)
class LoggedAt:
    """One event of the log, its number, and when it was written down."""

    seq: int
    at: datetime
    event: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything that is stored about one run. `program` is the release that wrote it.

    `events` is empty once the events were removed; then `trace.run` says since when.
    """

    format: Format
    version: Version
    program: str
    exported_at: datetime
    session: Session
    messages: list[Message]
    trace: Trace
    sums: Sums
    events: list[LoggedAt]

    @property
    def answer(self) -> str:
        """Return what the run answered; "" when it has not."""
        return next((message.content for message in self.messages if message.role == "assistant"), "")


BUNDLE: Final[TypeAdapter[Bundle]] = TypeAdapter(Bundle)


class BundleUnreadable(ValueError):
    """A document is not an exported run, or one of a later version."""


class _Head(BaseModel):
    format: Format
    version: int


async def bundle_of(scope: Scope, run_id: UUID) -> Bundle | None:
    """Return a run's bundle as it stands now, or None when there is no such run or it is someone else's."""
    trace = await trace_of(scope, run_id)
    if trace is None:
        return None
    session = await sessions.find(scope, trace.run.session_id)
    assert session is not None, "a run belongs to a session"
    return Bundle(
        format="planwright-run",
        version=VERSION,
        program=__version__,
        exported_at=datetime.now(UTC),
        session=session,
        messages=await messages.of_run(scope, run_id),
        trace=trace,
        sums=await sums.of_run(scope, run_id),
        events=[_logged(event) for event in await events.recorded(scope, run_id)],
    )


def as_json(bundle: Bundle) -> bytes:
    """Return the document, in UTF-8."""
    return BUNDLE.dump_json(bundle, indent=2)


def read_bundle(document: bytes) -> Bundle:
    """Return the bundle that a document holds.

    Raises:
        BundleUnreadable: it holds none, or one that this release cannot read.
    """
    try:
        head = _Head.model_validate_json(document)
        if head.version > VERSION:
            raise BundleUnreadable("This run was exported by a later release of Planwright. Update to open it.")
        return BUNDLE.validate_json(document)
    except ValidationError:
        raise BundleUnreadable("This is not a run that `planwright export --json` wrote.") from None


def _logged(event: RecordedEvent) -> LoggedAt:
    return LoggedAt(event.seq, event.created_at, json.loads(event.payload))
