"""The picture of what happened."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from graph.drawing.waterfall import MOST_TICKS, Bar, Row, ticks, waterfall
from tests.graph.drawing.drawn import SVG, of_kind, parsed, said

ROWS = [
    Row("Planner: decide", 0, (Bar("turn", 0, 400, "deep"),)),
    Row("Step 1", 0, (Bar("work", 400, 500, "waiting", waits=True), Bar("work", 500, 1_000, "at work", critical=True))),
    Row("list_tasks", 2, (Bar("tool", 600, 650, "list_tasks", failed=True),)),
]


def test_bars_stand_where_they_were() -> None:
    """A bar's place and width are its time on the one axis."""
    turn, wait, work, tool = of_kind(waterfall(ROWS), "bar")
    x, width = ([float(bar.get(side, "")) for bar in (turn, wait, work, tool)] for side in ("x", "width"))
    assert [round(place - x[0]) for place in x] == [round(620 * moment / 1_000) for moment in (0, 400, 500, 600)]
    assert [round(each) for each in width] == [round(620 * ms / 1_000) for ms in (400, 100, 500, 50)]


def test_waits_are_lighter_and_each_bar_says_its_times() -> None:
    """What waits, failed or lay on the critical path is marked, and said in words."""
    picture = waterfall(ROWS)
    [wait], [failed], [critical] = (of_kind(picture, kind) for kind in ("wait", "failed", "critical"))
    assert wait.findtext(f"{SVG}title") == "waiting: 400 ms to 500 ms"
    assert failed.findtext(f"{SVG}title") == "list_tasks: 600 ms to 650 ms"
    assert critical.findtext(f"{SVG}title") == "at work: 500 ms to 1 s, on the critical path"


def test_what_did_not_end_goes_on_to_the_edge() -> None:
    """It says so."""
    picture = waterfall([Row("a", 0, (Bar("model", 0, 90, "a"),)), Row("b", 0, (Bar("model", 30, None, "b"),))])
    ended, lasting = of_kind(picture, "bar")
    edges = [float(bar.get("x", "")) + float(bar.get("width", "")) for bar in (ended, lasting)]
    assert edges[0] == edges[1]
    assert lasting.findtext(f"{SVG}title") == "b: 30 ms to 90 ms, not ended"


def test_names_are_text() -> None:
    """Markup in a name adds no element."""
    picture = waterfall([Row("<script>alert(1)</script>", 0, (Bar("tool", 0, 1, '"><img src=x onerror=alert(1)>'),))])
    assert {element.tag.removeprefix(SVG) for element in parsed(picture).iter()} == {
        "svg", "style", "title", "rect", "path", "text",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in said(picture)


@given(st.integers(1, 10**9))
def test_the_axis_has_a_few_round_moments(last_ms: int) -> None:
    """From nothing on, evenly, never past the end."""
    moments = ticks(last_ms)
    assert moments[0] == 0
    assert moments[-1] <= last_ms
    assert 2 <= len(moments) <= MOST_TICKS + 1
    assert len({later - before for before, later in pairwise(moments)}) == 1


def test_nothing_happened() -> None:
    """A run without rows is an axis."""
    assert of_kind(waterfall([]), "bar") == []
