"""Lists of text as parameters."""

from collections.abc import Sequence


def text_array(texts: Sequence[str]) -> str:
    r"""Return the `text[]` of these texts, as Postgres reads it: in quotes, only `"` and `\` mean more than themselves.

    psycopg goes over each element of a list with a regular expression, in Python.
    """
    quoted = ['"' + text.replace("\\", r"\\").replace('"', r"\"") + '"' for text in texts]
    return "{" + ",".join(quoted) + "}"
