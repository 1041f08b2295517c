"""Asking on the page: what is shown at once, while it is worked on, and when it is done."""

import httpx
import pytest
from playwright.async_api import expect

from tests.page.person_at_page import Tab
from tests.page.stage import Stage
from tests.scripted_model.replies import call, text, tools
from tests.workspace_rows import Desk

pytestmark = pytest.mark.xdist_group("browser")


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


async def test_a_conversation_is_about_what_was_chosen(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """A project is chosen by its name; the conversation is opened about it, and says so."""
    await Desk(stage.database, tab.person).add_project("Website launch")
    await tab.open()
    await tab.page.get_by_label("What the conversation is about").select_option("A project")
    await tab.page.get_by_label("Which project").select_option("Website launch")
    await tab.ask("How is it going?")
    await tab.until("Done")
    [session] = (await client.get("/api/agent/sessions")).json()["sessions"]
    assert (session["context_type"], session["entity_id"] is None) == ("project", False)
    await expect(tab.page.locator(".composer")).to_contain_text("A project")


async def test_whether_changes_wait_can_be_changed(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """An open conversation can be told to ask before it changes anything, and not to any more."""
    await tab.open()
    await tab.ask("Good morning")
    await tab.until("Done")
    for wanted, mode in ((True, "ask"), (False, "auto")):
        async with tab.page.expect_response(lambda answer: answer.request.method == "PATCH"):
            await tab.page.get_by_label("Ask before changes").set_checked(wanted)
        [session] = (await client.get("/api/agent/sessions")).json()["sessions"]
        assert session["approvals"] == mode


async def test_an_answer_is_copied_as_it_was_written(tab: Tab, stage: Stage) -> None:
    """Copying takes the Markdown, and says that it was done."""
    await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    stage.plays([text("You have **two** tasks.")])
    await tab.open()
    await tab.ask("What is left?")
    await tab.until("Done")
    await tab.page.get_by_role("button", name="Copy the answer").click()
    await expect(tab.page.get_by_text("Copied")).to_be_visible()
    assert await tab.page.evaluate("navigator.clipboard.readText()") == "You have **two** tasks."


async def test_an_example_asks_itself(tab: Tab, stage: Stage) -> None:
    """One of the three questions out of the person's own data is asked by a click."""
    desk = Desk(stage.database, tab.person)
    await desk.add_task("Write the copy", project_id=await desk.add_project("Website launch"))
    await tab.open()
    example = tab.page.locator(".example", has_text="Website launch")
    question = await example.inner_text()
    await example.click()
    await expect(tab.page.locator(".bubble")).to_have_text(question)
    await tab.until("Done")


@pytest.mark.figure
async def test_the_first_paint_is_told(tab: Tab) -> None:
    """The page paints, without anything in the console; how soon is printed, not judged."""
    await tab.open()
    painted = await tab.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
    assert painted is not None
    print(f"The page's first paint on loopback: {painted:.0f} ms")
