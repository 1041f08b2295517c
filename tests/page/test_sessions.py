"""The conversations at the left: found, renamed, deleted, opened again with everything that was in them."""

import httpx
import pytest
from playwright.async_api import expect

from tests.page.person_at_page import Tab
from tests.page.scenes import complex_run
from tests.page.stage import Stage
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import text
from tests.server.reading import send

pytestmark = pytest.mark.xdist_group("browser")


async def test_a_conversation_is_found_renamed_and_deleted(tab: Tab, client: httpx.AsyncClient) -> None:
    """Search narrows the list; a new title stands in the list and above; what was deleted is gone."""
    for message in ("The garden in spring", "The launch of the website"):
        await send(client, message)
    await tab.open()
    rows = tab.page.locator(".session")
    await expect(rows).to_have_count(2)
    await tab.page.get_by_label("Search conversations").fill("garden")
    await expect(rows).to_have_count(1)
    await rows.get_by_role("link").click()
    await expect(tab.answer).to_have_text("Hello to you.")
    await rows.hover()
    await tab.page.get_by_role("button", name="Rename The garden in spring").click()
    await tab.page.get_by_label("New title").fill("My garden")
    await tab.page.get_by_label("New title").press("Enter")
    await expect(tab.page.get_by_role("heading", name="My garden")).to_be_visible()
    await rows.hover()
    await tab.page.get_by_role("button", name="Delete My garden").click()
    await tab.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(tab.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    await tab.page.get_by_label("Search conversations").fill("")
    await expect(rows).to_have_count(1)


async def test_an_opened_conversation_has_its_plan_and_tools(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """A run from before is shown as it was live: plan, executors with their times, and tool calls."""
    stage.plays(complex_run())
    sent = await send(client, "Organise my week around the launch. Create a task: Water the plants")
    await tab.open(f"/s/{sent.session_id}")
    await tab.until("Done")
    await expect(tab.page.locator(".node.completed")).to_have_count(5)
    await expect(tab.page.locator(".node.critical")).not_to_have_count(0)
    lanes = await tab.show("Executors")
    await expect(lanes.locator(".lane.completed .span")).to_have_count(4)
    log = await tab.show("Tools")
    await expect(log.locator(".tool")).to_have_count(5)
    usage = await tab.show("Usage")
    await expect(usage.locator("tbody tr")).not_to_have_count(0)


async def test_a_working_conversation_has_a_dot(tab: Tab, stage: Stage) -> None:
    """While its run works, a conversation says so in the list."""
    gate = Gate()
    stage.plays([text("Good morning.").gated(gate)])
    await tab.open()
    await tab.ask("Good morning")
    await gate.reached()
    await expect(tab.page.locator(".session .dot.works")).to_be_visible()
    gate.open()
    await tab.until("Done")
    await expect(tab.page.locator(".session .dot")).to_have_count(0)


async def test_a_draft_is_kept_for_each_conversation(tab: Tab, client: httpx.AsyncClient) -> None:
    """What was typed and not sent stands there again, in its own conversation, after going elsewhere and back."""
    sent = await send(client, "The garden in spring")
    await tab.open(f"/s/{sent.session_id}")
    await tab.box.fill("And in autumn?")
    await tab.page.get_by_role("link", name="New conversation").click()
    await expect(tab.box).to_have_value("")
    await tab.box.fill("Something else")
    await tab.page.reload()
    await expect(tab.box).to_have_value("Something else")
    await tab.page.locator(".session a").click()
    await expect(tab.box).to_have_value("And in autumn?")


async def test_a_conversation_that_is_not_there_is_said_so(tab: Tab) -> None:
    """An address that names nothing, or somebody else's, leads to a new conversation."""
    tab.forgive(404)
    await tab.open("/s/9b32d016-0000-4000-8000-000000000000")
    await expect(tab.page.get_by_role("heading", name="This conversation is not there")).to_be_visible()
