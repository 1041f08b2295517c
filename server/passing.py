"""A folder for an installation that is there for the moment: a notebook's, or an evaluation's."""

import atexit
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path


@contextmanager
def passing_folder() -> Generator[Path]:
    """Give a folder that is removed at the end, or when the process ends before."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as `nobody`, who has to get in
    remove = partial(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(remove)  # the last to be registered is the first to be called: the server stops before
    try:
        yield folder
    finally:
        remove()
        atexit.unregister(remove)
