"""`planwright graph`: which node follows which, read off the compiled graph."""

import typer

from graph.build import build
from graph.debug import wiring


def run(*, mermaid: bool) -> None:
    """Print the wiring; everything is made here, no service draws it."""
    drawn = build().get_graph()
    typer.echo(drawn.draw_mermaid().rstrip() if mermaid else "\n".join(wiring(drawn)))
