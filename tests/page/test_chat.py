"""Asking on the page: what is shown at once, while it is worked on, and when it is done."""

from playwright.async_api import expect

from tests.page.person_at_page import Tab
from tests.page.stage import Stage
from tests.scripted_model.replies import call, text, tools


async def test_an_answer_streams_as_markdown(tab: Tab, stage: Stage) -> None:
    """The question stands there at once, the answer comes as formatted text, and the address is the session's."""
    stage.plays([text("You have **two** tasks:\n\n- one\n- two", deltas=8)])
    await tab.open()
    await tab.ask("What is left?")
    await expect(tab.page.locator(".bubble")).to_have_text("What is left?")
    await tab.until("Done")
    await expect(tab.answer.locator("strong")).to_have_text("two")
    await expect(tab.answer.locator("li")).to_have_count(2)
    assert "/s/" in tab.page.url


async def test_what_was_changed_is_linked(tab: Tab, stage: Stage) -> None:
    """A write is marked in the log of tools, and the answer links to the row."""
    stage.plays([tools(call("create_task", {"title": "Water the plants"})), text("It is on your list.")])
    await tab.open()
    await tab.ask("Create a task: Water the plants")
    await tab.until("Done")
    await expect(tab.page.locator(".changed-list .chip")).to_contain_text("Water the plants")
    log = await tab.show("Tools")
    await expect(log.locator(".badge.changed")).to_have_text("changed")
