"""The picture of the graph."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.runnables.graph import Edge, Graph

from graph.build import build
from graph.drawing.picture import STYLE
from graph.picture import rows, svg

SVG: Final = "{http://www.w3.org/2000/svg}"
NAMES: Final = "abcdef"


def parsed(graph: Graph) -> ET.Element:
    """Return the picture of a graph as a tree of elements."""
    return ET.fromstring(svg(graph))  # noqa: S314 - it was made in this line


def edges(*pairs: str) -> list[Edge]:
    """Return an edge for each pair of letters."""
    return [Edge(pair[0], pair[1]) for pair in pairs]


def test_every_node_and_every_edge_is_drawn() -> None:
    """The picture names each node once and draws each edge once, a choice as a dashed line."""
    graph = build().get_graph()
    picture = parsed(graph)
    assert [text.text for text in picture.iter(f"{SVG}text")] == [
        name.strip("_").replace("_", " ") for name in graph.nodes
    ]
    kinds = [(path.get("class") or "").split() for path in picture.iter(f"{SVG}path")]
    lines = [kind for kind in kinds if "edge" in kind]
    choices = [kind for kind in lines if "choice" in kind]
    assert (len(lines), len(choices)) == (len(graph.edges), sum(edge.conditional for edge in graph.edges))


def test_a_picture_asks_for_nothing_elsewhere() -> None:
    """The picture stands alone: it names no address but that of its format."""
    assert svg(build().get_graph()).count("://") == 1


def test_a_picture_has_the_colours_of_the_others() -> None:
    """Its colours are those of a run's pictures, which follow the reader's light or dark scheme."""
    drawn = svg(build().get_graph())
    assert STYLE in drawn
    assert re.findall(r"#[0-9a-f]{3,6}\b", drawn.replace(STYLE, "")) == []


def test_the_same_graph_gives_the_same_picture() -> None:
    """A picture that is drawn again has not changed."""
    assert svg(build().get_graph()) == svg(build().get_graph())


def test_a_graph_of_one_node_can_be_drawn() -> None:
    """A graph without edges is a picture of its node."""
    graph = Graph()
    graph.add_node(build(), "<alone>")
    assert [text.text for text in parsed(graph).iter(f"{SVG}text")] == ["<alone>"]


def test_a_way_back_does_not_push_a_node_down() -> None:
    """A node stands below everything that leads to it, except for what leads back."""
    assert rows("abcd", edges("ab", "bc", "cb", "bd", "cd")) == {"a": 0, "b": 1, "c": 2, "d": 3}


@given(st.sets(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))))
def test_any_graph_has_rows(pairs: set[tuple[str, str]]) -> None:
    """Whatever the edges are, loops included, each node gets a row within the number of nodes."""
    found = rows(NAMES, [Edge(source, target) for source, target in sorted(pairs)])
    assert set(found) == set(NAMES)
    assert all(0 <= row < len(NAMES) for row in found.values())
