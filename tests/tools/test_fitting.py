"""Results that fit."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.workspace_rows import column, rows_in, size_bytes
from tools.fitting import MAX_DATA_BYTES, fitted


def repeated(text: str, times: int) -> str:
    """Make a text that may be long out of a short one."""
    return text * times


TEXTS = st.builds(repeated, st.text(max_size=20), st.integers(0, 1000))
ROWS = st.lists(st.fixed_dictionaries({"title": TEXTS, "tags": st.lists(TEXTS, max_size=5)}), max_size=40)


@given(rows=ROWS, content=TEXTS)
def test_no_result_is_larger_than_its_bound(rows: list[JsonValue], content: str) -> None:
    """Whatever stands in the rows, the answer is at most the bound and its message."""
    answer = fitted("m", rows=rows, whole={"content": content}, has_more=False)
    assert size_bytes(answer) <= MAX_DATA_BYTES + 500
    assert answer.success


def test_what_fits_is_left_as_it_is() -> None:
    """A short result is neither cut nor commented."""
    data: dict[str, JsonValue] = {"rows": [{"title": "a"}], "has_more": False}
    answer = fitted("One row.", **data)
    assert (answer.message, answer.data) == ("One row.", data)


def test_the_longest_text_is_cut_before_any_row_is_left_out() -> None:
    """Texts lose their ends first, and short ones keep theirs."""
    answer = fitted("m", rows=[{"title": "short"}, {"title": "x" * 20_000}], has_more=False)
    assert column(answer.data, "rows", "title") == ["short", "x" * 7_999 + "…"]
    assert answer.data["has_more"] is False
    assert answer.message == "m Texts are cut to 8000 characters to fit into one result."


def test_rows_are_left_out_from_the_end() -> None:
    """When short texts do not suffice the list loses its end, and says that there is more."""
    rows: list[JsonValue] = [{"number": number, "title": "x" * 90} for number in range(300)]
    answer = fitted("m", rows=rows, has_more=False)
    shown = len(rows_in(answer.data, "rows"))
    assert column(answer.data, "rows", "number") == list(range(shown))
    assert 100 < shown < 150
    assert answer.data["has_more"] is True
    assert answer.message == f"m Only the first {shown} of 300 rows fit into one result."


def test_the_given_data_is_not_changed() -> None:
    """Cutting is done on a copy."""
    rows: list[JsonValue] = ["x" * 200 for _ in range(300)]
    fitted("m", rows=rows)
    assert rows == ["x" * 200 for _ in range(300)]
