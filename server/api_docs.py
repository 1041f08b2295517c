"""The files of the API's documentation: Swagger UI as it was vendored, and the page around it.

They are read when somebody first opens the page, and stand under an address that holds a
digest of all of them, so that a browser may keep them for ever.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from server.assets import KINDS, Asset

PLACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "swagger-ui.css": "vendor/swagger-ui",
        "swagger-ui-bundle.js": "vendor/swagger-ui",
        "docs.css": "api_docs",
        "docs.js": "api_docs",
    }
)
PAGE: Final = "api_docs/docs.html"
DIGEST_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class ApiDocs:
    """The page, and its files by their names below an address that changes with them."""

    page: str
    digest: str
    held: Mapping[str, Asset]

    def find(self, digest: str, name: str) -> Asset | None:
        """Return a file of this release; None when there is none or another release is meant."""
        return self.held.get(name) if digest == self.digest else None


@cache
def api_docs() -> ApiDocs:
    """Return the documentation, read once. Compressing takes a tenth of a second: ask in a thread."""
    static = files("server").joinpath("static")
    held = {name: _file(name, static.joinpath(place, name).read_bytes()) for name, place in PLACES.items()}
    digest = hashlib.sha256(b"".join(held[name].content for name in sorted(held))).hexdigest()[:DIGEST_CHARS]
    page = static.joinpath(PAGE).read_text("utf-8").replace("{address}", f"/docs/{digest}")
    return ApiDocs(page, digest, MappingProxyType(held))


def _file(name: str, content: bytes) -> Asset:
    return Asset(KINDS[name.rpartition(".")[2]], content, gzip.compress(content, mtime=0))
