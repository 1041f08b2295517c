"""The same two desks that tests of tools have."""

from tests.tools.conftest import desk, strangers

__all__ = ["desk", "strangers"]
