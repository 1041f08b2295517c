"""Which rows a person means by a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.offline.naming import those_named

TITLES = [
    "Quarterly report",
    "Quarterly report for the board",
    "Interview Lena Vogt",
    "Interview Tom",
    "Hire an engineer",
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("quarterly report", ["Quarterly report"], id="the exact one before those that hold it"),
        pytest.param("“The Quarterly Report”", ["Quarterly report"], id="without quotes, article and case"),
        pytest.param("board", ["Quarterly report for the board"], id="a word of it"),
        pytest.param("interview", ["Interview Lena Vogt", "Interview Tom"], id="several"),
        pytest.param("vogt interview", ["Interview Lena Vogt"], id="words in another order"),
        pytest.param("lena int", ["Interview Lena Vogt"], id="the beginnings of words"),
        pytest.param("hiring", ["Hire an engineer"], id="another ending"),
        pytest.param("quaterly reprot", ["Quarterly report"], id="mistyped"),
        pytest.param("the interview with Tom about money", [], id="words that are nowhere"),
        pytest.param("", [], id="no name"),
        pytest.param("!?", [], id="nothing in it"),
    ],
)
def test_a_name_means_the_closest_rows(name: str, meant: list[str]) -> None:
    """The first rule that any row fits decides; rows that fit it equally are all meant."""
    assert those_named(name, TITLES, str) == meant


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_name_is_compared(name: str, titles: list[str]) -> None:
    """Any name is compared with any titles without an error, and only titles come back."""
    assert set(those_named(name, titles, str)) <= set(titles)
