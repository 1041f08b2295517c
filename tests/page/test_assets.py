"""The files of the page: where they are, how they may be kept, what they may do, and how much they weigh."""

import json
import re
from typing import Final

import httpx
import pytest

from server.assets import read_assets
from server.routes.page import POLICY, SCREENS
from tests.page.vendoring import LIBRARIES, LOCK, VENDOR, digest_of
from tests.server.reading import refusal

WEIGHT_MAX_BYTES: Final = 90 * 1024  # gzipped, everything that a first visit loads
ASSETS: Final = read_assets()
# Each would need the policy to allow what it does not: styles and handlers as text, and code made of text.
FORBIDDEN: Final = re.compile(
    r"\beval\(|new Function|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|cssText"
)


def test_what_is_vendored_is_what_the_lock_says() -> None:
    """Each library's files have the digests of the lock, and nothing lies beside them that it does not name."""
    lock = json.loads(LOCK.read_text())
    assert {library.name for library in LIBRARIES} <= set(lock)
    named = {name: digest for library in lock.values() for name, digest in library["files"].items()}
    held = {str(file.relative_to(VENDOR)): digest_of(file.read_bytes()) for file in VENDOR.rglob("*") if file.is_file()}
    held.pop(LOCK.name)
    assert held == named


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: str(library.name))
def test_a_library_says_its_version_and_brings_its_licence(library: object) -> None:
    """The lock has a version and a licence for each library, and the licence's text lies with it."""
    lock = json.loads(LOCK.read_text())[getattr(library, "name", "")]
    assert re.fullmatch(r"\d+\.\d+\.\d+", lock["version"])
    assert lock["licence"]
    assert [name for name in lock["files"] if name.startswith("licences/")]


def test_a_vendored_module_names_only_files_beside_it() -> None:
    """No import of a library is a bare name, which a browser cannot resolve."""
    for file in VENDOR.glob("*.mjs"):
        for name in re.findall(r'(?:from|import)\s*"([^"]+)"', file.read_text()):
            assert (VENDOR / name).exists(), (file.name, name)


@pytest.mark.parametrize("path", [path for path in ASSETS.held if path.startswith("page/") and path.endswith(".js")])
def test_a_module_of_ours_makes_no_code_of_text(path: str) -> None:
    """No module of the page uses what turns text into markup, style or code."""
    assert FORBIDDEN.findall(ASSETS.held[path].content.decode()) == []


@pytest.mark.figure
def test_the_page_is_light() -> None:
    """Everything that a first visit loads is at most 90 KB, gzipped."""
    weight = len(ASSETS.shell.packed) + sum(len(ASSETS.held[path].packed) for path in ASSETS.first)
    everything = len(ASSETS.shell.packed) + sum(len(asset.packed) for asset in ASSETS.held.values())
    assert weight <= WEIGHT_MAX_BYTES
    print(f"The page weighs {weight / 1024:.0f} KB gzipped at a first visit, with every screen {everything / 1024:.0f}")


@pytest.mark.parametrize("screen", SCREENS)
async def test_every_screen_is_the_same_page_under_one_policy(client: httpx.AsyncClient, screen: str) -> None:
    """Each address of the page gives the shell, which may run what comes from here and nothing else."""
    answer = await client.get(re.sub(r"{\w+}", "9b32d016-0000-4000-8000-000000000000", screen))
    assert (answer.status_code, answer.text) == (200, ASSETS.shell.content.decode())
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ASSETS.held)
async def test_a_file_may_be_kept_for_ever(client: httpx.AsyncClient, path: str) -> None:
    """A file is packed, typed and kept for ever: its address changes with the files."""
    answer = await client.get(f"/static/{ASSETS.digest}/{path}")
    assert answer.content == ASSETS.held[path].content
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].partition(";")[0] == ASSETS.held[path].kind
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    plain = await client.get(f"/static/{ASSETS.digest}/{path}", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/0000000000000000/page/main.js",
        f"/static/{ASSETS.digest}/sign_in.html",
        f"/static/{ASSETS.digest}/vendor/lock.json",
        f"/static/{ASSETS.digest}/../app.py",
        "/elsewhere",
    ],
)
async def test_nothing_else_is_there(client: httpx.AsyncClient, path: str) -> None:
    """Other releases, other files and other addresses are not found."""
    assert refusal(await client.get(path)) == (404, "not_found")
