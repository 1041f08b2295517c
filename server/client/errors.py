"""What can go wrong between a client and its server, one class for each thing that a caller does about it.

ClientError
├── Unreachable         nobody answers at the address
├── ConnectionLost      a stream broke and could not be taken up again; the run goes on
├── NotUnderstood       somebody answers, but not as Planwright does
└── Refused             the server said no: `status`, `code`, and its own sentence as the text
├── SignInRefused   401: the token is none, or no more
├── NotPermitted    403: the token does not permit it
├── NotFound        404: not there, or somebody else's
├── Conflict        409: something else came first
├── Gone            410: removed, or too late
├── TooMany         429: after `retry_after_seconds` there is room
└── NotReady        502, 503, 504: another try a little later may succeed
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ValidationError


class ClientError(Exception):
    """What every error of a client is."""


class Unreachable(ClientError):
    """Nobody answers at the address."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Nobody answers at {address}.")
        self.address: Final = address


class ConnectionLost(ClientError):
    """A stream broke and could not be taken up again.

    The run goes on. `run_id` and `after` are what to resume it with; there is no
    `run_id` when the connection was lost before the server said which run it is:
    send the same message under the same key then.
    """

    def __init__(self, address: str, run_id: UUID | None, after: int) -> None:
        super().__init__(f"The connection to {address} is lost.")
        self.address: Final = address
        self.run_id: Final = run_id
        self.after: Final = after


class NotUnderstood(ClientError):
    """Somebody answers, but not as this version of Planwright does."""

    def __init__(self, address: str, status: int) -> None:
        super().__init__(f"What answers at {address} is not this version of Planwright: status {status}.")
        self.address: Final = address
        self.status: Final = status


class Refused(ClientError):
    """The server refused a request; `code` is one of those in docs/http.md, empty when the answer names none."""

    def __init__(self, status: int, code: str, text: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(text)
        self.status: Final = status
        self.code: Final = code
        self.retry_after_seconds: Final = retry_after_seconds


class SignInRefused(Refused):
    """The token is none, or no more."""


class NotPermitted(Refused):
    """The token does not permit that."""


class NotFound(Refused):
    """It is not there, or it is somebody else's."""


class Conflict(Refused):
    """Something else came first: the run has ended, another decision was made, the session is busy."""


class Gone(Refused):
    """It was removed, or the time for it is over."""


class TooMany(Refused):
    """The last minute is full; after `retry_after_seconds` it has room."""


class NotReady(Refused):
    """The server, or a machine on the way to it, is not ready; another try may succeed."""


_OF_STATUS: Final[Mapping[int, type[Refused]]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: SignInRefused,
        HTTPStatus.FORBIDDEN: NotPermitted,
        HTTPStatus.NOT_FOUND: NotFound,
        HTTPStatus.CONFLICT: Conflict,
        HTTPStatus.GONE: Gone,
        HTTPStatus.TOO_MANY_REQUESTS: TooMany,
        HTTPStatus.BAD_GATEWAY: NotReady,
        HTTPStatus.SERVICE_UNAVAILABLE: NotReady,
        HTTPStatus.GATEWAY_TIMEOUT: NotReady,
    }
)


class _Body(BaseModel):
    """The small body of every refusal."""

    error: str
    code: str


def refusal_of(status: int, body: bytes, retry_after: str | None) -> Refused:
    """Return the error that an answer with an error status stands for."""
    try:
        said = _Body.model_validate_json(body)
    except ValidationError:
        said = _Body(error=f"The server answered {status}.", code="")
    seconds = int(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    return _OF_STATUS.get(status, Refused)(status, said.code, said.error, seconds)
