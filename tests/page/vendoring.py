"""Take the page's libraries out of their unpacked npm packages: `python -m tests.page.vendoring FOLDER`.

FOLDER holds one folder for each package, as `npm pack` and `tar` leave it. Files are
taken as they are, but for the names of other modules, which become paths: a browser
knows no bare names, and the page's policy allows no import map in it. The lock says
what was taken, and `test_vendored.py` holds the files against it.
"""

import base64
import hashlib
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.house.project import ROOT

VENDOR: Final = ROOT / "server/static/vendor"
LOCK: Final = VENDOR / "lock.json"
PLACES: Final = {
    "preact": "preact.mjs",
    "preact/hooks": "preact-hooks.mjs",
    "@preact/signals-core": "signals-core.mjs",
}
_IMPORT: Final = re.compile(r'(?<=\bfrom)"([@a-z/-]+)"')
_MAP: Final = re.compile(r"\n?//# sourceMappingURL=\S+\n?$")


@dataclass(frozen=True)
class Library:
    """One npm package, and which of its files the page takes under which name."""

    name: str
    files: dict[str, str]
    licence: str = "LICENSE"


LIBRARIES: Final = (
    Library("preact", {"dist/preact.mjs": "preact.mjs", "hooks/dist/hooks.mjs": "preact-hooks.mjs"}),
    Library("htm", {"dist/htm.module.js": "htm.mjs"}),
    Library("@preact/signals-core", {"dist/signals-core.module.js": "signals-core.mjs"}),
    Library("@preact/signals", {"dist/signals.module.js": "signals.mjs"}),
    Library("marked", {"lib/marked.esm.js": "marked.mjs"}),
    Library("dompurify", {"dist/purify.min.js": "purify.js"}),
)


def digest_of(content: bytes) -> str:
    """Return the digest of a file as browsers and npm write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def relative(source: str) -> str:
    """Return a module whose imports are paths, without the address of a map that is not shipped."""
    return _MAP.sub("\n", _IMPORT.sub(lambda found: f'"./{PLACES[found[1]]}"', source))


def main() -> None:
    """Write the vendored files, their licences and the lock anew."""
    unpacked, lock = Path(sys.argv[1]), json.loads(LOCK.read_text())  # what else is vendored stays in it
    for library in LIBRARIES:
        folder = unpacked / library.name.replace("@", "").replace("/", "-")
        about = json.loads((folder / "package.json").read_text())
        for taken, name in library.files.items():
            (VENDOR / name).write_text(relative((folder / taken).read_text()))
        licence = f"licences/{folder.name}.txt"
        shutil.copy(folder / library.licence, VENDOR / licence)
        kept = [*library.files.values(), licence]
        digests = {name: digest_of((VENDOR / name).read_bytes()) for name in kept}
        lock[library.name] = {"version": about["version"], "licence": about["license"], "files": digests}
    LOCK.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    main()
