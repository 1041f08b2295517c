"""An exported run in a browser: styled, sound, and dead."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.page.accessibility import NARROW_PX, sideways, violations
from tests.page.hostile_text import HOSTILE
from tests.server.exports.hostile_pages import page_saying

BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


@pytest.fixture(params=["light", "dark"])
async def reader(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[BrowserContext]:
    """Give a browser that nobody used before, in either scheme."""
    opened = await browser.new_context(color_scheme=request.param, viewport={"width": NARROW_PX, "height": 700})
    yield opened
    await opened.close()


async def opened(reader: BrowserContext, file: Path, complaints: list[str]) -> Page:
    """Open a file, and take down whatever it asks for beside itself and whatever the browser has to say of it."""
    page = await reader.new_page()
    page.on("console", lambda said: complaints.append(said.text))
    page.on("request", lambda asked: complaints.append(asked.url) if asked.url != file.as_uri() else None)
    await page.goto(file.as_uri())
    return page


async def test_a_file_of_hostile_texts_does_nothing(reader: BrowserContext, tmp_path: Path) -> None:
    """Every text at once in every place: nothing runs, nothing is asked for, and the browser has no complaint."""
    file, complaints = tmp_path / "run.html", list[str]()
    file.write_bytes(page_saying(" ".join(HOSTILE)))
    page = await opened(reader, file, complaints)
    for folded in await page.locator("summary").all():
        await folded.click()
    assert await page.locator("script, img, iframe, object, embed, link, form, base, a").count() == 0
    assert await page.locator("svg.picture").count() == 2
    assert await page.evaluate("window.taken ?? null") is None
    assert complaints == []


async def test_a_file_is_styled_and_sound(reader: BrowserContext, tmp_path: Path) -> None:
    """Its policy lets its own style through, which follows the scheme; it fits a narrow window; axe finds nothing."""
    file, complaints = tmp_path / "run.html", list[str]()
    file.write_bytes(page_saying("A plain sentence."))
    page = await opened(reader, file, complaints)
    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    scheme = "dark" if await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    assert colour == BACKGROUNDS[scheme]
    assert await sideways(page) == 0
    assert await violations(page) == []
    assert complaints == []
