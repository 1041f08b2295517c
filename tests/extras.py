"""Tests that need an extra: skipped in the development environment, run by `make test-extras`."""

from importlib.util import find_spec

import pytest


def needs_extra(extra: str, module: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs an extra of the project, known by a module that it brings."""
    return pytest.mark.skipif(find_spec(module) is None, reason=f"the extra `{extra}` is not here: make test-extras")
