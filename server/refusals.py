"""Refusals: why a request is not served, as the client is told, always `{error, code}`.

No sentence here repeats what the client sent or says what went on inside.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RETRY_AFTER_SECONDS: Final = 2  # a restarted Postgres is back in two to three

REFUSALS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "bad_host": (400, "The Host header is not one."),
        "bad_cursor": (400, "The cursor is not the number of an event of this run."),
        "bad_page": (400, "No page of this list ended there."),
        "body_required": (400, "The request needs a body."),
        "duplicate_key": (400, "A key stands twice in one object."),
        "invalid_json": (400, "The body is not JSON in UTF-8."),
        "not_finite": (400, "A number is not finite."),
        "unauthorized": (401, "A valid bearer token is needed."),
        "cross_site": (403, "This request comes from a page of another origin."),
        "forbidden": (403, "This token does not permit that."),
        "not_found": (404, "There is nothing here."),
        "method_not_allowed": (405, "This method is not for this address."),
        "request_timeout": (408, "The body did not arrive in time."),
        "idempotency_mismatch": (422, "This Idempotency-Key was used for another request."),
        "run_finished": (409, "The run has ended already."),
        "run_not_finished": (409, "The run has not ended yet."),
        "record_incomplete": (409, "The record of the run is not whole, so it cannot be replayed."),
        "events_expired": (410, "The run's events were removed. Its answer is among the session's messages."),
        "not_waiting": (409, "The run does not wait for a decision."),
        "already_decided": (409, "Another decision was made on these calls."),
        "digest_mismatch": (409, "The run waits for a decision on other calls than these."),
        "approval_expired": (410, "The time to decide is over; the run was stopped."),
        "session_busy": (409, "The session has a run that has not ended."),
        "too_many_tokens": (409, "There are too many API tokens. Revoke some first."),
        "body_too_large": (413, "The body is too large."),
        "unsupported_media_type": (415, "The body must be application/json, not encoded further."),
        "headers_too_large": (431, "The request has too many headers, or too long ones."),
        "bad_request": (400, "The request cannot be understood."),
        "bad_window": (422, "A calendar is shown for 62 days at most, from 1900 to 2200."),
        "illegal_character": (422, "The text holds a character that cannot be stored."),
        "invalid_field": (422, "A field has the wrong type or value."),
        "invalid_id": (422, "An id is a UUID in lower case with hyphens."),
        "invalid_idempotency_key": (422, "An Idempotency-Key is 1 to 200 visible ASCII characters, given once."),
        "json_too_deep": (422, "The body is nested too deep."),
        "json_too_large": (422, "The body holds too many values."),
        "message_empty": (422, "The message says nothing."),
        "message_exceeds_budget": (422, "The message needs more tokens than a minute may cost."),
        "message_too_long": (422, "The message is too long."),
        "not_an_object": (422, "The body must be a JSON object."),
        "number_out_of_range": (422, "A number is out of range."),
        "title_empty": (422, "The title says nothing."),
        "unknown_call": (422, "The decision names a call that the run does not wait with."),
        "arguments_refused": (422, "The arguments of a call are not what its tool takes."),
        "unknown_model": (422, "No model of that name is set up here."),
        "unknown_step": (422, "The run's plan has no such step."),
        "unknown_field": (422, "The body has a field that is not known here."),
        "too_many_failures": (429, "Too many requests from this address could not be signed in."),
        "too_many_requests": (429, "Too many messages in the last minute."),
        "tokens_spent": (429, "The tokens that a minute may cost are spent."),
        "internal": (500, "Something went wrong here. It was written down."),
        "database_unavailable": (503, "The database does not answer right now. Try again."),
        "not_ready": (503, "This server does not take requests right now."),
    }
)


class Refused(Exception):
    """A request is not served; `code` is part of the wire format, `text` for when it can say more than usual."""

    def __init__(self, code: str, headers: Mapping[str, str] = MappingProxyType({}), text: str | None = None) -> None:
        self.status, usual = REFUSALS[code]
        super().__init__(text or usual)
        self.code = code
        self.headers = headers


class ArgumentsRefused(Refused):
    """A person's arguments for a call are not what its tool takes; says which call, by its place in the approval."""

    def __init__(self, place: int, tool: str) -> None:
        super().__init__("arguments_refused", text=f"The arguments of call {place} are not what {tool} takes.")


class BodyRefused(Refused):
    """A body is refused before it was read to its end, so the connection cannot be used again."""

    def __init__(self, code: str) -> None:
        super().__init__(code, {"Connection": "close"})


class SignInRefused(Refused):
    """Whoever asks is not known; every reason gives the same answer."""

    def __init__(self) -> None:
        super().__init__("unauthorized", {"WWW-Authenticate": "Bearer"})


class Unavailable(Refused):
    """Another try a little later may succeed."""

    def __init__(self, code: str, text: str | None = None) -> None:
        super().__init__(code, {"Retry-After": str(RETRY_AFTER_SECONDS)}, text)


class TooMany(Refused):
    """The person's last minute is full: after so many seconds it has room."""

    def __init__(self, code: str, retry_after_seconds: int, fields: Mapping[str, str]) -> None:
        super().__init__(code, {"Retry-After": str(retry_after_seconds), **fields})
