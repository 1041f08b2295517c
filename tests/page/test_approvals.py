"""A run that waits for its person: the card says what exactly will change, and one answer is taken."""

import pytest
from playwright.async_api import Locator, expect

from tests.page.conftest import NewTab
from tests.page.person_at_page import Tab
from tests.page.scenes import crashing, two_writes, unknown_outcome
from tests.page.stage import Stage

pytestmark = pytest.mark.xdist_group("browser")


async def waiting(tab: Tab, stage: Stage) -> Locator:
    """Send a message that asks before it changes anything, and return the card."""
    stage.plays(two_writes())
    await tab.open()
    await tab.page.get_by_label("Ask before changes").check()
    await tab.ask("Look after my plants")
    await tab.until("Waiting for your approval")
    return tab.page.locator(".approval")


async def titles(tab: Tab) -> list[str]:
    """Return the titles of the person's tasks, as the API lists them."""
    answer = await tab.page.context.request.get(f"{tab.stage.address}/api/workspace/tasks")
    return [task["title"] for task in (await answer.json())["items"]]


async def test_the_card_names_what_will_change_and_takes_the_focus(tab: Tab, stage: Stage) -> None:
    """It counts what will be made, shows each value, and nothing happened yet; approved, it happens and is said so."""
    card = await waiting(tab, stage)
    await expect(card.get_by_role("heading")).to_have_text("Will create 1 task, create 1 note")
    await expect(card.get_by_role("heading")).to_be_focused()
    await expect(card).to_contain_text("Water the plants")
    await expect(card).to_contain_text("Water them on Mondays.")
    assert await titles(tab) == []
    await card.get_by_role("button", name="Approve").click()
    await tab.until("Done")
    await expect(tab.page.locator(".decision")).to_contain_text("Approved by you")
    assert await titles(tab) == ["Water the plants"]


async def test_a_denial_changes_nothing_and_its_note_is_told(tab: Tab, stage: Stage) -> None:
    """Denied with a note, nothing is changed, the calls are said to be denied, and the note stands there."""
    card = await waiting(tab, stage)
    await card.get_by_label("Note").fill("Not this week.")
    await card.get_by_role("button", name="Deny").click()
    await tab.until("Done")
    await expect(tab.page.locator(".decision")).to_contain_text("Denied by you")
    await expect(tab.page.locator(".decision")).to_contain_text("Not this week.")
    log = await tab.show("Tools")
    await expect(log.get_by_text("denied by you")).to_have_count(2)
    assert await titles(tab) == []


async def test_one_call_is_dropped_and_another_changed(tab: Tab, stage: Stage) -> None:
    """What is dropped is left out, and what was edited runs as it was edited; what is no JSON cannot be approved."""
    card = await waiting(tab, stage)
    task, note = card.locator(".awaited").first, card.locator(".awaited").last
    await note.get_by_role("button", name="Drop").click()
    await expect(note).to_contain_text("Left out.")
    await task.get_by_role("button", name="Edit").click()
    editor = task.get_by_label("Arguments of this call, as JSON")
    await editor.fill('{"title": ')
    await expect(card.get_by_role("button", name="Approve")).to_be_disabled()
    await editor.fill('{"title": "Water the cactus"}')
    await card.get_by_role("button", name="Approve 1 of 2").click()
    await tab.until("Done")
    assert await titles(tab) == ["Water the cactus"]


async def test_an_argument_that_a_tool_does_not_take_is_refused(tab: Tab, stage: Stage) -> None:
    """A value of the wrong kind keeps the card open, with what is wrong."""
    tab.forgive(422)
    card = await waiting(tab, stage)
    await card.get_by_role("button", name="Edit").first.click()
    await card.get_by_label("Arguments of this call, as JSON").fill('{"title": 5}')
    await card.get_by_role("button", name="Approve").click()
    await expect(card.get_by_role("alert")).to_have_text("A changed value is not what the tool takes.")
    await card.get_by_label("Arguments of this call, as JSON").fill('{"title": "Water the cactus"}')
    await card.get_by_role("button", name="Approve").click()
    await tab.until("Done")
    assert await titles(tab) == ["Water the cactus"]


async def test_an_answer_in_one_tab_is_known_in_the_other(new_tab: NewTab, stage: Stage) -> None:
    """Two tabs show the card; approved in one, it is gone in both, and the change happened once."""
    first, second = await new_tab(), await new_tab()
    card = await waiting(first, stage)
    await second.open(first.page.url.removeprefix(stage.address))
    await expect(second.page.locator(".approval")).to_be_visible()
    await card.get_by_role("button", name="Approve").click()
    for tab in (first, second):
        await tab.until("Done")
        await expect(tab.page.locator(".approval")).to_have_count(0)
    assert await titles(first) == ["Water the plants"]


async def test_a_run_that_waits_can_be_stopped(tab: Tab, stage: Stage) -> None:
    """Stopped while it waits, the run ends, nothing was changed, and the conversation goes on."""
    await waiting(tab, stage)
    await tab.page.get_by_role("button", name="Stop").click()
    await tab.until("Stopped by you")
    await expect(tab.page.locator(".approval")).to_have_count(0)
    assert await titles(tab) == []


async def test_what_nobody_knows_is_asked_about(tab: Tab, stage: Stage) -> None:
    """A call that broke off is not called a failure: the person is asked to check, and told what approving does."""
    stage.allow(crashing())
    stage.plays(unknown_outcome())
    await tab.open()
    await tab.ask("Send it")
    await tab.until("Waiting for your approval")
    await expect(tab.page.locator(".approval")).to_contain_text("To approve is to run it again.")
    log = await tab.show("Tools")
    await expect(log).to_contain_text("outcome unknown")
    await expect(log).to_contain_text("Please check it in your workspace")
