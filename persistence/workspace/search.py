"""Search for text as it stands: no character of a query is a wildcard."""

from typing import Final, LiteralString

OPENING_CHARS: Final = 201  # a preview of 200, and one more that shows whether something was cut


def pattern_for(query: str) -> str:
    r"""Return the `ilike` pattern of every text that contains the query, in any case.

    `%`, `_` and `\` stand for themselves. A blank query fits every text.
    """
    literal = query.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{literal}%" if literal else "%"


def fitting(query: str, clause: LiteralString) -> LiteralString:
    """Return the clause of a search; one that every row fits when nothing is searched for.

    Where it stands, Postgres expects to find next to nothing, and rather sorts every row of a small table than to
    take the first ones in their order.
    """
    return clause if query.strip() else "true"
