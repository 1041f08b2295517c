"""The pictures of docs/concepts.md."""

from graph.drawing.plan_graph import critical_path
from tests.docs.concept_pictures import CRITICAL, PICTURES, STEPS, pictures


def test_the_pictures_are_what_the_program_draws() -> None:
    """Each file is what the drawing code makes of the run now; `make docs` writes them."""
    for name, picture in pictures().items():
        assert (PICTURES / name).read_text() == picture.alone() + "\n"


def test_both_pictures_show_one_run() -> None:
    """What is outlined on the axis is the thick line of the plan."""
    assert critical_path(STEPS) == CRITICAL
