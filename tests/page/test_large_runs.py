"""Much of everything: many calls, a large result, long words, text from right to left, and pictures as letters."""

from functools import partial

import httpx
import pytest
from playwright.async_api import expect

from tests.page.accessibility import NARROW_PX, sideways, violations
from tests.page.person_at_page import Tab
from tests.page.scenes import step
from tests.page.stage import Stage
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import rules, when
from tests.server.reading import send, until
from tests.turns import plan, submit
from tools.registry import Registry
from tools.tool import Access, Args, Caller, Tool, ToolAnswer, answered

pytestmark = pytest.mark.xdist_group("browser")

MANY = 200
MEGABYTE = 1024 * 1024
TOP = "(node) => node.getBoundingClientRect().top"


class Everything(Args):
    """Read everything there is."""


async def read_everything(_args: Everything, _caller: Caller) -> ToolAnswer:
    """Return a megabyte."""
    return answered(
        "Everything there is.",
        rows=[{"title": f"Row {number}", "text": "x" * 100} for number in range(MEGABYTE // 128)],
    )


async def test_two_hundred_calls_are_listed(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """All of them are counted, a hundred are shown at once, and the page scrolls and answers meanwhile."""
    stage.limit(tool_calls=MANY)
    matters = [f"Look into matter {number}." for number in range(1, 11)]
    steps = [step(number, matter, "search_notes") for number, matter in enumerate(matters, 1)]
    twice = [tools(*(call("search_notes", {"query": f"word {n}"}) for n in at)) for at in (range(10), range(10, 20))]
    stage.plays(
        rules(
            *(when(*twice, offers="submit_result", mentions=matter, last_stays=False) for matter in matters),
            when(submit(), offers="submit_result"),
            when(plan(*steps), offers="create_plan"),
            when(text("That were many.")),
        )
    )
    sent = await send(client, "Look again and again")
    await tab.open(f"/s/{sent.session_id}")
    await tab.until("Done")
    log = await tab.show("Tools")
    await expect(log.get_by_role("button", name=f"All {MANY}")).to_be_visible()
    await expect(log.locator(".tool")).to_have_count(100)
    await log.get_by_role("button", name="Show 100 more calls").click()
    await expect(log.locator(".tool")).to_have_count(MANY)
    assert await violations(tab.page) == []


async def test_a_megabyte_of_result_is_shortened(tab: Tab, stage: Stage) -> None:
    """A tool that returns a megabyte breaks nothing; what is shown says that it is shortened."""
    everything = Tool(name="read_everything", args=Everything, run=read_everything, access=Access.READ)
    stage.allow(Registry.of([*Registry.build().tools.values(), everything]))
    stage.plays([tools(call("read_everything", {})), text("Everything was read.")])
    await tab.open()
    await tab.ask("Read everything")
    await tab.until("Done")
    log = await tab.show("Tools")
    await log.locator(".tool-head").click()
    shown = await log.locator(".tool-body").inner_text()
    assert "Everything there is." in shown or "too large" in shown
    assert len(shown) < 50_000
    assert await sideways(tab.page) == 0


async def test_right_to_left_and_emoji_are_shown_as_they_are(tab: Tab, stage: Stage) -> None:
    """Hebrew and Arabic run from the right, a family stays one letter, and long words break: also at 320 pixels."""
    words = "שלום עולם, زيارة الطبيب غدا 👩‍👩‍👧‍👦 " + "Donaudampfschifffahrt" * 12
    stage.plays([text(f"{words}\n\n- {words}", deltas=9)])
    await tab.open()
    await tab.ask(words)
    await tab.until("Done")
    await expect(tab.answer).to_contain_text("👩‍👩‍👧‍👦")
    block = tab.answer.locator(".block").first
    assert await block.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    assert await tab.page.locator(".bubble").evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    await tab.page.set_viewport_size({"width": NARROW_PX, "height": 700})
    assert await sideways(tab.page) == 0
    assert await violations(tab.page) == []


async def follows(tab: Tab) -> bool:
    """Say whether the page shows the newest of the conversation."""
    talk = tab.page.locator(".talk")
    return bool(await talk.evaluate("(node) => node.scrollHeight - node.scrollTop - node.clientHeight < 100"))


async def test_what_grows_is_not_taken_for_a_scroll(tab: Tab, stage: Stage) -> None:
    """The page follows also when a lot comes before it has heard of its own last scroll."""
    stage.plays([text("\n\n".join(f"Paragraph {n} of many words." for n in range(80)))])
    await tab.open()
    await tab.ask("A long one")
    await tab.until("Done")
    await until(partial(follows, tab))
    await tab.page.locator(".talk").evaluate(
        """(node) => {
            const more = document.createElement("p");
            more.style.height = "900px";
            node.firstElementChild.append(more);
            node.dispatchEvent(new Event("scroll"));
        }"""
    )
    await until(partial(follows, tab))
    await expect(tab.page.get_by_role("button", name="Newest")).to_be_hidden()


async def test_the_scroll_stays_where_the_person_put_it(tab: Tab, stage: Stage) -> None:
    """Who reads further up is not pulled down by what comes; a button leads to the newest."""
    gate = Gate()
    story = "\n\n".join(f"Paragraph {n} of many words." for n in range(80))
    stage.plays([text(story, deltas=40).paced(0.005).gated(gate, after=30)])
    await tab.open()
    await tab.ask("A long one")
    await expect(tab.answer).to_contain_text("Paragraph 30")
    await until(partial(follows, tab))
    talk = tab.page.locator(".talk")
    await talk.evaluate("(node) => node.scrollTo(0, 200)")
    await expect(tab.page.get_by_role("button", name="Newest")).to_be_visible()
    read = tab.answer.get_by_text("Paragraph 9 of many words.")
    before = await read.evaluate(TOP)
    gate.open()
    await tab.until("Done")
    await expect(tab.answer).to_contain_text("Paragraph 79")
    assert await read.evaluate(TOP) == pytest.approx(before, abs=1)
    await tab.page.get_by_role("button", name="Newest").click()
    await expect(tab.page.get_by_role("button", name="Newest")).to_be_hidden()
