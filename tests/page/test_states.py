"""Every state of a run as the page shows it: in words, to everybody, in both themes, on a narrow screen."""

import re
from typing import Final

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.page.accessibility import NARROW_PX, sideways, violations
from tests.page.person_at_page import Tab
from tests.page.recording import Recorder, arrivals_of
from tests.page.scenes import SCENES, complex_run
from tests.page.stage import Stage
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools

pytestmark = pytest.mark.xdist_group("browser")

LOGS: Final = re.compile(r"/api/agent/runs/[^/]+/events")
TABS: Final = ("Plan", "Executors", "Tools", "Usage")
# What the header, the conversation and one tab of the panel say of each scene.
WORDS: Final = {
    "simple": ("Done", "Your week begins with two meetings.", "Plan", "the answer came directly"),
    "tool_use": ("Done", "It is on your list.", "Tools", "changed"),
    "complex": ("Done", "Next week has room for two of the three open tasks", "Executors", "read-only"),
    "replan": ("Done", "The offer is in a brain dump", "Plan", "Revision 2"),
    "failed_step": ("Done", "The contract was not found", "Plan", "skipped because step 1 failed"),
    "denial": ("Done", "Nothing was written.", "Tools", "A rule refused this call: This caller may only read."),
    "approval_pending": ("Waiting for your approval", "Will create 1 task, create 1 note", "Tools", "waits for you"),
    "approval_approved": ("Done", "Approved by you", "Tools", "changed"),
    "approval_denied": ("Done", "Denied by you", "Tools", "denied by you"),
    "approval_expired": ("Stopped by you", "The time to answer ran out", "Tools", "not done"),
    "cancelled": ("Stopped by you", "Withdrawn", "Tools", "not done"),
    "unknown_outcome": ("Done", "It is not known.", "Tools", "Please check it in your workspace"),
    "budget": ("Stopped at its limit", "Looking.", "Tools", "No task matches"),
    "error": ("Failed", "The model provider did not give a usable answer.", "Usage", "model call"),
}


async def opened(tab: Tab, stage: Stage, client: httpx.AsyncClient, name: str) -> None:
    """Play a scene over HTTP and open its conversation."""
    recorder = Recorder(stage, client)
    await recorder.play(SCENES[name])
    await tab.open(f"/s/{recorder.session_id}")
    await tab.until(WORDS[name][0])


async def choose(tab: Tab, theme: str) -> None:
    """Choose the light or the dark theme."""
    await tab.page.get_by_role("button", name=f"{theme.capitalize()} colours").click()


async def test_what_is_not_for_everybody_is_found(tab: Tab) -> None:
    """The search for violations finds one that a test plants."""
    await tab.open()
    await tab.page.evaluate("document.querySelector('#main').append(document.createElement('button'))")
    assert any(found.startswith("button-name") for found in await violations(tab.page))


def test_every_scene_has_its_words() -> None:
    """No scene is left out."""
    assert WORDS.keys() == SCENES.keys()


@pytest.mark.parametrize("name", WORDS)
async def test_a_state_is_said_in_words(tab: Tab, stage: Stage, client: httpx.AsyncClient, name: str) -> None:
    """The header, the conversation and the panel say what is the case; axe finds nothing in either theme."""
    _, conversation, where, panel = WORDS[name]
    await opened(tab, stage, client, name)
    await expect(tab.page.locator(".reply")).to_contain_text(conversation)
    await expect(await tab.show(where)).to_contain_text(panel)
    assert await violations(tab.page) == []
    await choose(tab, "dark")
    assert await violations(tab.page) == []
    await tab.page.set_viewport_size({"width": NARROW_PX, "height": 700})
    assert await sideways(tab.page) == 0


@pytest.mark.parametrize("name", WORDS)
async def test_a_recorded_log_shows_the_same(tab: Tab, stage: Stage, client: httpx.AsyncClient, name: str) -> None:
    """Header and panel are made of the events alone: they say of a recorded log what they say of a run."""
    recorder = Recorder(stage, client)
    await recorder.play(SCENES["simple"])
    frames = "".join(f"id: {event.seq}\ndata: {event.payload}\n\n" for event in arrivals_of(name))

    async def recorded(route: Route) -> None:
        await route.fulfill(content_type="text/event-stream", body=frames)

    await tab.page.route(LOGS, recorded)
    await tab.open(f"/s/{recorder.session_id}")
    state, _, where, panel = WORDS[name]
    await tab.until(state)
    await expect(await tab.show(where)).to_contain_text(panel)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_tab_is_for_everybody(tab: Tab, stage: Stage, client: httpx.AsyncClient, theme: str) -> None:
    """Each tab of a whole complex run, the plan as a list and a step's detail have no violation."""
    await opened(tab, stage, client, "complex")
    if theme == "dark":
        await choose(tab, theme)
    for name in TABS:
        await tab.show(name)
        assert await violations(tab.page) == [], name
    await tab.show("Plan")
    await tab.page.get_by_role("button", name="List", exact=True).click()
    await tab.page.locator(".plan-list button").first.click()
    await expect(tab.page.locator(".detail")).to_contain_text("Three tasks are open")
    assert await violations(tab.page) == []


async def test_a_run_at_work_is_for_everybody(tab: Tab, stage: Stage) -> None:
    """While steps work, the panel shows which, and axe finds nothing; the new page and the list of keys neither."""
    gate = Gate()
    await tab.open()
    await expect(tab.page.locator(".example")).to_have_count(3)
    assert await violations(tab.page) == []
    await tab.page.locator("h2").click()
    await tab.page.keyboard.press("?")
    await expect(tab.page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert await violations(tab.page) == []
    await tab.page.keyboard.press("Escape")
    stage.plays(complex_run(working=tools(call("get_calendar_events", {})).gated(gate)))
    await tab.ask("Organise my week around the launch. Create a task: Water the plants")
    await gate.reached()
    await expect(tab.page.locator(".node.executing").first).to_be_visible()
    await expect(tab.state).to_have_text("Working")
    await expect(tab.page.locator(".activity")).to_contain_text("Read the calendar of next week")
    assert await violations(tab.page) == []
    lanes = await tab.show("Executors")
    await expect(lanes.locator(".lane.executing")).to_have_count(1)
    await expect(lanes.locator(".lane.executing")).to_contain_text("working")
    assert await violations(tab.page) == []
    gate.open()
    await tab.until("Done")


async def test_esc_stops_a_run_and_the_text_so_far_stays(tab: Tab, stage: Stage) -> None:
    """Esc is stop: what was written stays, the header says who stopped it, and the next message works."""
    gate = Gate()
    stage.plays([text("It is a long story that never ends.", deltas=6).gated(gate, after=4), text("Here I am.")])
    await tab.open()
    await tab.ask("Tell me a story")
    await expect(tab.answer).to_contain_text("It is")  # the last word may wait for the next
    await tab.page.keyboard.press("Escape")
    await tab.until("Stopped by you")
    await expect(tab.answer).to_contain_text("It is a")
    gate.open()
    await tab.ask("Hello?")
    await expect(tab.answer).to_have_text("Here I am.")


async def test_the_page_is_worked_by_keyboard(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """Slash goes to the box, p e t u to the tabs, j and k through the rows, and typing types."""
    await opened(tab, stage, client, "complex")
    await tab.page.locator("h1").click()
    for key, name in zip("etup", ("Executors", "Tools", "Usage", "Plan"), strict=True):
        await tab.page.keyboard.press(key)
        await expect(tab.page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("t")
    await tab.page.locator(".tool-head").first.focus()
    await tab.page.keyboard.press("j")
    await expect(tab.page.locator(".tool-head").nth(1)).to_be_focused()
    await tab.page.keyboard.press("k")
    await expect(tab.page.locator(".tool-head").first).to_be_focused()
    await tab.page.keyboard.press("/")
    await expect(tab.box).to_be_focused()
    await tab.page.keyboard.type("just p e t u / ?")
    await expect(tab.box).to_have_value("just p e t u / ?")
    await tab.page.keyboard.press("Shift+Enter")
    await tab.page.keyboard.type("and on")
    await expect(tab.box).to_have_value("just p e t u / ?\nand on")


async def test_the_answer_is_announced_once(tab: Tab, stage: Stage) -> None:
    """A screen reader hears that the answer is ready, with its words, and not every word as it comes."""
    stage.plays([text("Good morning to you.", deltas=6)])
    await tab.open()
    await tab.ask("Good morning")
    await expect(tab.page.locator("main > p[role=status]")).to_have_text("The answer is ready. Good morning to you.")
    assert await tab.page.locator(".answer[aria-live], .answer [aria-live], .talk[aria-live]").count() == 0


async def test_less_motion_is_no_motion(tab: Tab, stage: Stage) -> None:
    """Who asks for less motion sees nothing turn."""
    gate = Gate()
    await tab.page.emulate_media(reduced_motion="reduce")
    stage.plays([text("Good morning.").gated(gate)])
    await tab.open()
    await tab.ask("Good morning")
    await gate.reached()
    turning = tab.page.locator(".turning").first
    await expect(turning).to_be_visible()
    assert await turning.evaluate("(icon) => getComputedStyle(icon).animationName") == "none"
    gate.open()
    await tab.until("Done")
