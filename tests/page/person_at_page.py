"""A person at the page: a tab that is signed in, what it showed, and what it must not have done."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx
from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from server.cookies import NAME
from server.tokens import issue_token
from tests.conftest import Person
from tests.page.stage import TOKEN_KEY, Stage

PATIENCE_MS: Final = 15_000
REFUSED: Final = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
CUT: Final = re.compile(r"Failed to load resource: net::ERR_\w+")

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Tab:
    """One tab. `complaints` is what no test may have; a test forgives what it provokes."""

    page: Page
    stage: Stage
    person: Person
    forgiven: set[str] = field(default_factory=set[str])
    complaints: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        """Note every error and every request that goes elsewhere."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error.stack or error}"))
        self.page.on("request", self._requested)
        self.page.set_default_timeout(PATIENCE_MS)

    def forgive(self, *statuses: int, cuts: bool = False) -> None:
        """Expect refusals of these statuses, or connections that break: the browser writes each into its console."""
        self.forgiven.update(map(str, statuses))
        if cuts:
            self.forgiven.add("cut")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        refused, cut = REFUSED.match(message.text), CUT.match(message.text)
        known = (refused[1] if refused else None) in self.forgiven or (cut is not None and "cut" in self.forgiven)
        if not known:
            self.complaints.append(f"console: {message.text}")

    def _requested(self, request: Request) -> None:
        at = urlsplit(request.url)
        if at.scheme not in {"data", "blob"} and f"{at.scheme}://{at.netloc}" != self.stage.address:
            self.complaints.append(f"outside: {request.url}")

    async def open(self, path: str = "/") -> None:
        """Go to an address of the page."""
        await self.page.goto(self.stage.address + path)
        await self.page.locator("#main").wait_for()

    @property
    def box(self) -> Locator:
        """Return the message box."""
        return self.page.get_by_label("Message", exact=True)

    async def ask(self, message: str) -> None:
        """Type a message and press Enter."""
        await self.box.fill(message)
        await self.box.press("Enter")

    async def show(self, tab: str) -> Locator:
        """Open a tab of the run's panel and return its body."""
        await self.page.get_by_role("tab", name=tab).click()
        return self.page.get_by_role("tabpanel")

    @property
    def state(self) -> Locator:
        """Return the words for where the run stands."""
        return self.page.locator(".run-panel .run-header .state")

    @property
    def answer(self) -> Locator:
        """Return the newest answer."""
        return self.page.locator(".turn").last.locator(".answer")

    async def until(self, words: str) -> None:
        """Wait until the run's header says so."""
        await expect(self.state).to_contain_text(words)


async def sign_in(context: BrowserContext, stage: Stage, person: Person) -> None:
    """Give the browser the cookie that a token is exchanged for."""
    token = issue_token(TOKEN_KEY, person.id, 1)
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{stage.address}/api/auth/session", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == httpx.codes.NO_CONTENT
    value = answer.cookies[NAME]
    await context.add_cookies([{"name": NAME, "value": value, "url": stage.address, "httpOnly": True}])
