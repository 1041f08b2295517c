"""`planwright graph`: which node follows which, read off the compiled graph."""

from collections.abc import Iterator

import typer
from langchain_core.runnables.graph import Graph

from graph.build import build


def run(*, mermaid: bool) -> None:
    """Print the wiring; everything is made here, no service draws it."""
    drawn = build().get_graph()
    typer.echo(drawn.draw_mermaid().rstrip() if mermaid else "\n".join(_lines(drawn)))


def _lines(drawn: Graph) -> Iterator[str]:
    """Yield a line for each node with its successors; `?` marks a choice that the node makes."""
    width = max(len(name) for name in drawn.nodes)
    for name in drawn.nodes:
        ways = [edge for edge in drawn.edges if edge.source == name]
        targets = ", ".join(edge.target.strip("_") for edge in ways)
        if ways:
            arrow = "▶ one of" if ways[0].conditional else "▶"
            yield f"{name.strip('_'):<{width}} {arrow} {targets}"
