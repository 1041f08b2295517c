"""Where a reader stands in a run's log: the number of the last event it has."""

import re
from typing import Final

from server.refusals import Refused

_NUMBER: Final = re.compile(r"[0-9]{1,9}")


def cursor_of(given: list[str], last_seq: int) -> int:
    """Return the cursor that was given; nothing and the empty text mean the beginning.

    Raises:
        Refused: it was given twice, is not a number, or is of no event there is.
    """
    if not given or given == [""]:
        return 0
    if len(given) > 1 or _NUMBER.fullmatch(given[0]) is None or int(given[0]) > last_seq:
        raise Refused("bad_cursor")
    return int(given[0])
