"""The guard over this process and those that it starts."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.egress import guard


class Watch:
    """Watches from its making on; knows what was tried since the last look."""

    def __init__(self) -> None:
        self._folder: Final = Path(tempfile.mkdtemp(prefix="planwright-egress-"))
        self._folder.chmod(0o755)
        shutil.copy(guard.__file__, self._folder / "sitecustomize.py")
        inherited = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(self._folder), inherited]))
        already = sys.modules.get("sitecustomize")  # a worker of pytest-xdist is a process that a guarded one started
        if already is not None and hasattr(already, "report_to"):
            already.report_to(self._folder)
        else:
            guard.install(self._folder)

    def attempts(self) -> list[str]:
        """Return who tried to leave this machine since the last look."""
        report = self._folder / guard.REPORT
        if not report.exists():
            return []
        tried = report.read_text().splitlines()
        report.unlink()
        return tried

    def end(self) -> None:
        """Remove what was written; the guard stays."""
        shutil.rmtree(self._folder, ignore_errors=True)
