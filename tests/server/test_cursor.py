"""Where a reader stands."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi import Request

from persistence.runs.runs import Run, RunStatus, Writes
from server.cursor import cursor_of, standing
from server.refusals import Refused


def asked(headers: list[str], query: str = "") -> Request:
    """Return a request with these headers of that name."""
    named = [(b"last-event-id", value.encode()) for value in headers]
    return Request({"type": "http", "headers": named, "query_string": query.encode()})


def run(*, last_seq: int = 9, expired: bool = False) -> Run:
    """Return a run whose log has so many events."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return Run(
        id=UUID(int=1),
        session_id=UUID(int=2),
        request="hello",
        route="auto",
        status=RunStatus.DONE,
        strategy=None,
        attempt=1,
        crashes=0,
        last_seq=last_seq,
        request_digest="",
        cancel_requested_at=None,
        budget_spent_at=None,
        prompt_tokens=0,
        completion_tokens=0,
        finished_reason=None,
        error_code=None,
        created_at=now,
        started_at=now,
        finished_at=now,
        events_expired_at=now if expired else None,
        replay_of=None,
        from_step=None,
        asked_model=None,
        writes=Writes.LIVE,
    )


@pytest.mark.parametrize(("given", "cursor"), [([], 0), ([""], 0), (["0"], 0), (["1"], 1), (["9"], 9), (["09"], 9)])
def test_a_number_is_a_cursor(given: list[str], cursor: int) -> None:
    """Nothing, the empty text and 0 mean the beginning; a number means what is behind the event of that number."""
    assert cursor_of(asked(given)) == cursor
    if given:
        assert cursor_of(asked([], f"after={given[0]}")) == cursor


@pytest.mark.parametrize("given", ["-1", "+1", "1.5", "1e9", "abc", " 1", "1 ", "1\0", "٣", "1_0", "1" * 10_000, "0x1"])
def test_anything_else_is_refused(given: str) -> None:
    """A cursor that is no number is refused before anything is sent."""
    with pytest.raises(Refused, match="cursor"):
        cursor_of(asked([given]))


@pytest.mark.parametrize(("headers", "query"), [(["1", "1"], ""), ([], "after=1&after=1"), (["1"], "after=1")])
def test_two_cursors_are_none(headers: list[str], query: str) -> None:
    """A cursor that is given twice, in whatever way, is refused."""
    with pytest.raises(Refused, match="cursor"):
        cursor_of(asked(headers, query))


def test_a_cursor_is_of_an_event_of_the_run() -> None:
    """Up to the last event a number is a place in the log; behind it there is none."""
    assert [standing(run(last_seq=2), cursor) for cursor in (0, 1, 2)] == [0, 1, 2]
    with pytest.raises(Refused, match="cursor"):
        standing(run(last_seq=2), 3)


@pytest.mark.parametrize("cursor", [0, 9])
def test_a_log_that_is_gone_says_where_the_answer_is(cursor: int) -> None:
    """From whatever event: a log that retention removed is 410, with a link to the session's messages."""
    with pytest.raises(Refused) as refusal:
        standing(run(expired=True), cursor)
    assert (refusal.value.status, refusal.value.code) == (410, "events_expired")
    assert refusal.value.headers["Link"] == f'</api/agent/stream?session_id={UUID(int=2)}>; rel="alternate"'
