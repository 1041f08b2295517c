"""Where a reader stands in a run's log: the number of the last event it has."""

import re
from typing import Final

from fastapi import Request

from persistence.runs.runs import Run
from server.refusals import Refused

_NUMBER: Final = re.compile(r"[0-9]{1,9}")


def cursor_of(request: Request) -> int:
    """Return the cursor of `Last-Event-ID` or `?after=`; nothing and the empty text mean the beginning.

    Raises:
        Refused: it was given twice, or is not a number.
    """
    given = [*request.headers.getlist("last-event-id"), *request.query_params.getlist("after")]
    if not given or given == [""]:
        return 0
    if len(given) > 1 or _NUMBER.fullmatch(given[0]) is None:
        raise Refused("bad_cursor")
    return int(given[0])


def standing(run: Run, cursor: int) -> int:
    """Return the cursor, which names a place in this run's log.

    Raises:
        Refused: the run has no such event, or its events were removed; then a
            `Link` header says where its session's messages are.
    """
    if cursor > run.last_seq:
        raise Refused("bad_cursor")
    if run.events_expired_at is not None:
        messages = f'</api/agent/stream?session_id={run.session_id}>; rel="alternate"'
        raise Refused("events_expired", {"Link": messages})
    return cursor
