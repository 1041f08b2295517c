"""The files of the web page, read once and compressed once, under an address that says which files they are.

The address holds a digest of all of them, so that a browser may keep them for ever
and a new release is a new address. The page itself names every module that it begins
with, so that they are fetched side by side and not one import after the other; what
only some screens need is fetched when they are opened.
"""

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"css": "text/css", "js": "text/javascript", "mjs": "text/javascript", "svg": "image/svg+xml"}
)
OURS: Final = "page"
FOLDERS: Final = (OURS, "vendor")
FIRST: Final = ("page/main.js", "page/page.css", "page/icon.svg")
DIGEST_CHARS: Final = 16
SHELL: Final = "shell.html"

_IMPORT: Final = re.compile(r"""(?:^|[;}])\s*(?:import|export)\b[^;"'(]*["'](\.[^"']+)["']""", re.MULTILINE)
_FOR_READERS: Final = re.compile(r"^[ \t]*(?://|/\*\*|\*(?:[ /]|$)).*$|^[ \t]+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    kind: str
    content: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file of the page by its path, those that a first visit loads, their common digest, and the page itself."""

    digest: str
    held: Mapping[str, Asset]
    first: tuple[str, ...]
    shell: Asset

    def find(self, digest: str, path: str) -> Asset | None:
        """Return a file of this release, None when there is none or another release is meant."""
        return self.held.get(path) if digest == self.digest else None


def read_assets() -> Assets:
    """Read the page's files from the package."""
    static = files("server").joinpath("static")
    held = dict(sorted(_read(static)))
    digest = _digest_of(held)
    first = tuple(sorted({*FIRST, *_imported(FIRST[0], held)}))
    address = f"/static/{digest}"
    modules = "\n".join(f'<link rel="modulepreload" href="{address}/{path}">' for path in first if _is_module(path))
    shell = static.joinpath(SHELL).read_text("utf-8").replace("{address}", address).replace("{modules}", modules)
    return Assets(digest, MappingProxyType(held), first, _packed("text/html", shell.encode()))


def _read(static: Traversable) -> Iterator[tuple[str, Asset]]:
    for folder in FOLDERS:
        for file in static.joinpath(folder).iterdir():
            kind = KINDS.get(file.name.rpartition(".")[2])
            if kind is not None:
                content = file.read_text("utf-8")
                yield f"{folder}/{file.name}", _packed(kind, (lean(content) if folder == OURS else content).encode())


def lean(source: str) -> str:
    """Return a file of ours without what only its readers need: indents and comments. Lines keep their numbers."""
    return _FOR_READERS.sub("", source)


def _packed(kind: str, content: bytes) -> Asset:
    return Asset(kind, content, gzip.compress(content, mtime=0))


def _digest_of(held: Mapping[str, Asset]) -> str:
    digest = hashlib.sha256()
    for path, asset in held.items():
        digest.update(f"{path}\0{len(asset.content)}\0".encode() + asset.content)
    return digest.hexdigest()[:DIGEST_CHARS]


def _imported(path: str, held: Mapping[str, Asset]) -> set[str]:
    """Return every module that a module needs to begin, and that those need."""
    found, left = set[str](), [path]
    while left:
        at = left.pop()
        if at not in found:
            found.add(at)
            names = _IMPORT.findall(held[at].content.decode())
            left += [posixpath.normpath(posixpath.join(posixpath.dirname(at), name)) for name in names]
    return found


def _is_module(path: str) -> bool:
    return path.endswith(("js", "mjs"))
