"""Take the pictures of the documentation: `make screenshots`.

The program runs as it is, on a Postgres of its own and the demo workspace; only the models follow a script.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from persistence import embedded
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.scope import Role
from persistence.workspace import demo
from tests.conftest import TEST_SECRET, Person, new_person
from tests.house.project import ROOT
from tests.page.chromium import chromium
from tests.page.person_at_page import Tab, sign_in
from tests.page.scenes import SCENES, complex_run
from tests.page.stage import Stage, stage_of
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, tools

FOLDER: Final = ROOT / "docs/pictures"
WIDE: Final = (1440, 900)
NARROW: Final = (390, 844)
SCREENS: Final = (
    ("new", "/", ".example"),
    ("runs", "/runs", "tbody tr"),
    ("workspace", "/workspace", ".item"),
    ("settings", "/settings", ".settings .meter"),
)
QUESTION: Final = SCENES["complex"].request


class Studio:
    """The program with a demo workspace, and a browser in front of it."""

    def __init__(self, stage: Stage, browser: Browser, person: Person) -> None:
        self.stage: Final = stage
        self._browser: Final = browser
        self._person: Final = person

    @asynccontextmanager
    async def tab(self, theme: str, size: tuple[int, int] = WIDE) -> AsyncGenerator[Tab]:
        """Give a tab in this theme and size."""
        context = await self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            device_scale_factor=1.5,
            reduced_motion="reduce",
        )
        await sign_in(context, self.stage, self._person)
        try:
            yield Tab(await context.new_page(), self.stage, self._person)
        finally:
            await context.close()


async def take(tab: Tab, name: str) -> None:
    """Keep what the tab shows, without a blinking cursor."""
    await tab.page.evaluate("document.fonts.ready")
    await tab.page.screenshot(path=FOLDER / f"{name}.png", caret="hide")


async def a_run_at_work(studio: Studio) -> None:
    """Take a run of which three steps are at work; then, when it is done, in the dark, narrow, and as a trace."""
    gate = Gate()
    studio.stage.plays(complex_run(working=tools(call("get_calendar_events", {})).gated(gate)))
    async with studio.tab("light") as tab:
        await tab.open()
        await tab.ask(QUESTION)
        await gate.reached()
        await expect(tab.page.locator(".node.completed")).to_have_count(2)
        await take(tab, "live")
        gate.open()
        await tab.until("Done")
        await expect(tab.page.locator(".reply .foot")).to_be_visible()
        await take(tab, "chat-light")
        address = tab.page.url.removeprefix(studio.stage.address)
        run = await tab.page.get_by_role("link", name="Trace of this run").get_attribute("href")
    async with studio.tab("dark") as tab:
        await tab.open(address)
        await tab.until("Done")
        await tab.show("Executors")
        await expect(tab.page.locator(".lane").first).to_be_visible()
        await take(tab, "chat-dark")
        await tab.open(str(run))
        await expect(tab.page.locator(".fall").first).to_be_visible()
        await take(tab, "trace-dark")
    async with studio.tab("light") as tab:
        await tab.open(str(run))
        await tab.page.locator(".fall.executor").first.click()
        await take(tab, "trace")
    async with studio.tab("light", NARROW) as tab:
        await tab.open(address)
        await expect(tab.page.locator(".reply .facts")).to_contain_text("Done")
        await take(tab, "narrow")
        await tab.page.get_by_role("button", name="Run", exact=True).click()
        await tab.until("Done")
        await take(tab, "narrow-run")


async def an_approval(studio: Studio) -> None:
    """Take a run that waits for its person."""
    studio.stage.plays(SCENES["approval_pending"].script())
    async with studio.tab("light") as tab:
        await tab.open()
        await tab.page.get_by_label("Ask before changes").check()
        await tab.ask(SCENES["approval_pending"].request)
        await tab.until("Waiting for your approval")
        await expect(tab.page.locator(".session .dot.waits")).to_be_visible()
        await take(tab, "approval")


async def screens(studio: Studio) -> None:
    """Take the new page and the other screens."""
    async with studio.tab("light") as tab:
        for name, address, awaited in SCREENS:
            await tab.open(address)
            await expect(tab.page.locator(awaited).first).to_be_visible()
            await take(tab, name)


async def pictures(dsn: str) -> None:
    """Take every picture."""
    migrate(dsn, TEST_SECRET)
    database = Database(dsn, TEST_SECRET)
    await database.open()
    person = await new_person(database)
    async with database.acting(Role.WORKER, person.identity) as scope:
        await demo.seed(scope, datetime.now(UTC), ZoneInfo("Europe/Berlin"))
    async with stage_of(database, dsn) as stage, chromium() as browser:
        studio = Studio(stage, browser, person)
        stage.limit(requests_per_minute=20, tokens_per_minute=300_000)
        for name in ("simple", "failed_step"):
            stage.plays(SCENES[name].script())
            async with studio.tab("light") as tab:
                await tab.open()
                await tab.ask(SCENES[name].request)
                await tab.until("Done")
        await a_run_at_work(studio)
        await an_approval(studio)
        await screens(studio)
    await database.close()


def main() -> None:
    """Take the pictures, with a Postgres that is there for that."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-pictures-"))
    folder.chmod(0o755)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with embedded.start(folder / "data", settings={"fsync": "off"}) as server:
            asyncio.run(pictures(server.dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
