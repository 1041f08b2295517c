"""Draw a compiled graph as SVG, made here: LangGraph's own pictures come from a service elsewhere.

Nodes stand in rows, each below everything that leads to it; a way back is drawn
beside the way there. A dashed line is a choice that the node makes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from langchain_core.runnables.graph import Edge, Graph

from graph.drawing.picture import Picture, shown

NODE_WIDTH: Final = 130  # all lengths are in pixels
NODE_HEIGHT: Final = 32
COLUMN_STEP: Final = 180
ROW_STEP: Final = 72
MARGIN: Final = 24
BESIDE: Final = 14  # how far the way there and the way back stand from the middle
BULGE_PER_ROW: Final = 22  # how far a line past other rows bends out

STYLE: Final = "<style>.picture .choice{stroke-dasharray:5 4}.picture marker path{fill:var(--line)}</style>"
ARROW: Final = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0,0 8,4 0,8z"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class Place:
    """The middle of a node, and its row."""

    row: int
    x: int
    y: int


def svg(graph: Graph) -> str:
    """Return the picture of `compiled.get_graph()`, as one SVG element."""
    ranked = rows(graph.nodes, graph.edges)
    longest = max((abs(ranked[edge.target] - ranked[edge.source]) for edge in graph.edges), default=0)
    left = MARGIN + longest * BULGE_PER_ROW
    places = _places(ranked, left)
    width = left + max(place.x for place in places.values()) + NODE_WIDTH // 2
    height = max(place.y for place in places.values()) + NODE_HEIGHT // 2 + MARGIN
    lines = (_line(edge, places[edge.source], places[edge.target]) for edge in graph.edges)
    boxes = (_box(name, place) for name, place in places.items())
    return Picture("Which node follows which", width, height, (STYLE, ARROW, *lines, *boxes)).alone()


def rows(nodes: Iterable[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return each node's row: the length of the longest way to it that does not go back."""
    order = list(nodes)
    forward = list(_forward(order, edges))
    found = dict.fromkeys(order, 0)
    for _ in order:
        for source, target in forward:
            found[target] = max(found[target], found[source] + 1)
    return found


def _forward(order: list[str], edges: Iterable[Edge]) -> Iterator[tuple[str, str]]:
    """Yield the edges that do not lead back to a node on the way to them, depth first."""
    successors = defaultdict[str, list[str]](list)
    for edge in edges:
        successors[edge.source].append(edge.target)
    done = set[str]()

    def walk(name: str, way: frozenset[str]) -> Iterator[tuple[str, str]]:
        done.add(name)
        for target in successors[name]:
            if target in way:
                continue
            yield name, target
            if target not in done:
                yield from walk(target, way | {target})

    for name in order:
        if name not in done:
            yield from walk(name, frozenset({name}))


def _places(ranked: Mapping[str, int], left: int) -> dict[str, Place]:
    """Place the nodes of each row beside each other, from the left."""
    taken = defaultdict[int, int](int)
    places = dict[str, Place]()
    for name, row in ranked.items():
        x = left + NODE_WIDTH // 2 + taken[row] * COLUMN_STEP
        places[name] = Place(row, x, MARGIN + NODE_HEIGHT // 2 + row * ROW_STEP)
        taken[row] += 1
    return places


def _line(edge: Edge, source: Place, target: Place) -> str:
    kind = "edge choice" if edge.conditional else "edge"
    told = f"{_shown(edge.source)} to {_shown(edge.target)}"
    way = _beside(source, target) if abs(target.row - source.row) == 1 else _around(source, target)
    return f'<path class="{kind}" marker-end="url(#arrow)" d="{way}"><title>{told}</title></path>'


def _beside(source: Place, target: Place) -> str:
    """Return the line between neighbouring rows: down on the left of the middle, up on the right."""
    down = 1 if target.row > source.row else -1
    begin = source.y + down * NODE_HEIGHT // 2
    end = target.y - down * NODE_HEIGHT // 2
    return f"M{source.x - down * BESIDE},{begin} L{target.x - down * BESIDE},{end}"


def _around(source: Place, target: Place) -> str:
    """Return the line past the rows between: bent out to the left on the way down, to the right on the way up."""
    side = -1 if target.row > source.row else 1
    bulge = side * BULGE_PER_ROW * abs(target.row - source.row)
    begin, end = source.x + side * NODE_WIDTH // 2, target.x + side * NODE_WIDTH // 2
    return f"M{begin},{source.y} C{begin + bulge},{source.y} {end + bulge},{target.y} {end},{target.y}"


def _box(name: str, place: Place) -> str:
    x, y = place.x - NODE_WIDTH // 2, place.y - NODE_HEIGHT // 2
    box = f'<rect class="box" x="{x}" y="{y}" width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="6"/>'
    return f'{box}<text class="middle" x="{place.x}" y="{place.y}">{_shown(name)}</text>'


def _shown(name: str) -> str:
    return shown(name.strip("_").replace("_", " "))
