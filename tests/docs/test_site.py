"""The documentation as a site, built as `make site` builds it."""

import os
import shutil
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.docs.site import drawn
from tests.house.project import ROOT
from tests.page.chromium import chromium, program

OWN_SCHEMES: Final = {"file", "data", "blob"}


def mkdocs(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Build with the flags of `make site`; its output says what was wrong."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the site, built by `make site`."""
    folder = tmp_path_factory.mktemp("site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "site", f"SITE={folder}"]
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture
def pages(site: Path) -> list[str]:
    """Give the address of every page but that for servers, which is found from any folder."""
    return [file.as_uri() for file in sorted(site.rglob("*.html")) if file.name != "404.html"]


async def test_every_page_opens_from_its_folder_and_asks_nobody(site: Path, pages: list[str]) -> None:
    """A browser without a server shows each page without an error, loads nothing from elsewhere, and can search."""
    if program() is None:
        pytest.skip("There is no Chromium here: apt-get install chromium, or run make test as root.")
    complaints: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: complaints.append(asked.url) if _elsewhere(asked.url) else None)
        for address in pages:
            await page.goto(address)
        found = await _searched(page, site, "idempotency")
    assert complaints == []
    assert "http.html" in found


def test_what_leads_nowhere_ends_the_build(tmp_path: Path) -> None:
    """A page in no menu, a link to no page and one to no heading are each named, and nothing counts as built."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs/lost.md").write_text("# Lost\n\n[1](nowhere.md) and [2](http.md#nothing)\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"INHERIT: {ROOT}/mkdocs.yml\nhooks: [{ROOT}/tests/docs/site.py]\n")
    built = mkdocs("--config-file", str(config), "--site-dir", str(tmp_path / "site"))
    assert built.returncode != 0
    for lost in ("  - lost.md", "'nowhere.md'", "'#nothing'"):
        assert lost in built.stderr


def test_a_link_out_of_the_pages_takes_its_target_along(site: Path) -> None:
    """The changelog, which stands above the pages, is one of them, and its links to them hold."""
    assert 'href="CHANGELOG.html"' in (site / "operations.html").read_text()
    assert 'href="performance.html"' in (site / "CHANGELOG.html").read_text()


def test_a_picture_of_arrows_is_drawn() -> None:
    """Each name is a box, each arrow a line, and a dotted one says that it is a choice."""
    image = drawn("graph TD\n  start --> decide\n  decide -. a plan .-> make_plan\n", "mermaid", "drawn")
    assert 'alt="start to decide; decide to make plan"' in image
    picture = b64decode(image.partition("base64,")[2].removesuffix('">')).decode()
    assert [picture.count(f">{name}</text>") for name in ("start", "decide", "make plan")] == [1, 1, 1]
    assert (picture.count('class="edge"'), picture.count('class="edge choice"')) == (1, 1)


def _elsewhere(address: str) -> bool:
    return urlsplit(address).scheme not in OWN_SCHEMES


async def _searched(page: Page, site: Path, word: str) -> str:
    """Return the addresses that the site's search gives for a word."""
    await page.goto((site / "index.html").as_uri())
    await page.get_by_role("textbox", name="Search").fill(word)
    results = page.locator(".md-search-result__link")
    await results.first.wait_for()
    return " ".join([str(await link.get_attribute("href")) for link in await results.all()])
