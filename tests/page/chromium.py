"""Debian's Chromium, driven by Playwright, which must not download a browser of its own."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright

PROGRAM: Final = "chromium"
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str | None:
    """Return where Chromium is, None when it is not installed."""
    return shutil.which(PROGRAM)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """Give a browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS), headless=True)
        try:
            yield browser
        finally:
            await browser.close()
