"""How large a prompt is, as it is reserved before a call."""

from pydantic import JsonValue

from nodes.asking.estimate import TOOL_LISTS_KEPT, size_of, tokens_of
from nodes.vocabulary.model_json import model_json


def tools(*names: str) -> list[dict[str, JsonValue]]:
    """Return tools that nobody else holds."""
    return [{"type": "function", "function": {"name": name}} for name in names]


def test_tools_count_with_all_that_a_model_is_shown_of_them() -> None:
    """The size of a prompt without messages is that of the JSON of its tools, the second time as well."""
    offered = tools("ask", "t\u00fcr")
    text = model_json(offered)
    for _ in range(2):
        size = size_of([], offered)
        assert (size.tokens, size.tokens_at_most) == (tokens_of(text.decode()), len(text))


def test_the_size_of_tools_is_never_taken_for_that_of_others() -> None:
    """Tools that are gone leave nothing behind that could be taken for the size of those that come after them."""
    for length in range(3 * TOOL_LISTS_KEPT):
        assert size_of([], tools("x" * length)).tokens_at_most == len(model_json(tools("x" * length)))
