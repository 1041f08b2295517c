"""One browser and one running program for all tests of the page; a fresh person and a fresh tab for each."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext

from persistence.pools import Database
from server.tokens import issue_token
from tests.conftest import Person
from tests.page.chromium import chromium, program
from tests.page.person_at_page import Tab, sign_in
from tests.page.stage import TOKEN_KEY, Stage, stage_of
from tests.server.reading import signed_in_client

NewTab = Callable[[], Awaitable[Tab]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, and say how to get one."""
    if program() is not None:
        return
    missing = pytest.mark.skip(reason="There is no Chromium here: apt-get install chromium, or run make test as root.")
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(missing)


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Give Debian's Chromium."""
    async with chromium() as started:
        yield started


@pytest.fixture(scope="package")
async def running_stage(database: Database, admin_dsn: str) -> AsyncIterator[Stage]:
    """Give the running program; gone before other tests, whose silent workers it would take for its own dead."""
    async with stage_of(database, admin_dsn) as started:
        yield started


@pytest.fixture
def stage(running_stage: Stage) -> Stage:
    """Give the running program as it was at first."""
    running_stage.reset()
    return running_stage


@pytest.fixture
async def context(browser: Browser, stage: Stage, person: Person) -> AsyncIterator[BrowserContext]:
    """Give a browser that nobody used before, in which the person is signed in."""
    opened = await browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    await sign_in(opened, stage, person)
    yield opened
    await opened.close()


@pytest.fixture
async def new_tab(context: BrowserContext, stage: Stage, person: Person) -> AsyncIterator[NewTab]:
    """Open tabs of that browser; none of them may have written an error or asked anybody else."""
    tabs: list[Tab] = []

    async def opened() -> Tab:
        tab = Tab(await context.new_page(), stage, person)
        tab.watch()
        tabs.append(tab)
        return tab

    yield opened
    assert [complaint for tab in tabs for complaint in tab.complaints] == []


@pytest.fixture
async def tab(new_tab: NewTab) -> Tab:
    """Give one tab, with nothing in it yet."""
    return await new_tab()


@pytest.fixture
async def client(stage: Stage, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Give an HTTP client that is signed in as the person."""
    async with signed_in_client(stage.address, issue_token(TOKEN_KEY, person.id, 1)) as signed_in:
        yield signed_in
