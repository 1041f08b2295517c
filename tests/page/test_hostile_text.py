"""Text is text: whatever a person, a model or a row says, nothing of it becomes active in the page."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import expect

from persistence.record import sessions
from persistence.scope import Role
from tests.page.hostile_text import ACTIVE, HOSTILE
from tests.page.person_at_page import Tab
from tests.page.scenes import step
from tests.page.stage import Stage
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.server.reading import send
from tests.turns import submit

pytestmark = pytest.mark.xdist_group("browser")

TOGETHER: Final = 7  # texts in one conversation


def in_every_field(texts: Sequence[str]) -> Script:
    """Say them as answer, reason, step, argument, row, summary, and as the words of a failure."""
    first, all_of_them = texts[0], "\n\n".join(texts)
    lists = "\n".join(f"- {one}\n> {one}" for one in texts)
    steps = [step(number, one[:200], "search_notes") for number, one in enumerate(texts, 1)]
    created = [call("create_task", {"title": one_line(one), "description": one}) for one in texts]
    return rules(
        *(
            when(
                tools(call("search_notes", {"query": one_line(one)})),
                offers="submit_result",
                last_role="user",
                mentions=one[:60],
                last_stays=False,
            )
            for one in texts[1:]
        ),
        when(submit(first, "failed"), offers="submit_result", mentions=first[:60], last_role="user"),
        when(submit(all_of_them), offers="submit_result"),
        when(text("no other way"), says="Some steps of the plan"),
        when(tools(*created), says="Begin", last_role="user"),
        when(text(f"It is done. {all_of_them}", deltas=5), mentions="Begin", lacks="create_plan"),
        when(text(f"It is done. {all_of_them}", deltas=5), says="Created the task"),
        when(
            tools(call("create_plan", {"reasoning": all_of_them, "goal": first, "steps": [*steps]})),
            offers="create_plan",
        ),
        when(text(f"{all_of_them}\n\n{lists}", deltas=7)),
    )


def one_line(hostile: str) -> str:
    """Return a text as a title may be."""
    return hostile.replace("\n", " ")[:180]


async def active_in(tab: Tab) -> Iterator[Any]:
    """Return what is active in the page that is none of its own."""
    found: dict[str, Any] = await tab.page.evaluate(ACTIVE)
    assert found["taken"] is None
    return iter(found["active"])


async def assert_harmless(tab: Tab) -> None:
    """Look at the page with every tab of the panel opened."""
    for name in ("Plan", "Executors", "Tools", "Usage"):
        await tab.show(name)
        await tab.page.evaluate(
            "document.querySelectorAll('.tool-head[aria-expanded=false]').forEach((head) => head.click())"
        )
        assert list(await active_in(tab)) == []


async def test_what_is_active_is_found(tab: Tab) -> None:
    """The search finds an element and a handler that a test plants."""
    await tab.open()
    await tab.page.evaluate(
        "() => { const a = document.createElement('a'); a.setAttribute('href', 'javascript:void 0');"
        " document.querySelector('#main').append(a, document.createElement('iframe')); }"
    )
    assert len(list(await active_in(tab))) == 2


@pytest.mark.parametrize("start", range(0, len(HOSTILE), TOGETHER))
async def test_no_text_becomes_active(tab: Tab, stage: Stage, client: httpx.AsyncClient, start: int) -> None:
    """Each hostile text, as question, title, answer, plan, argument, result, row and failure, stays a text."""
    texts = HOSTILE[start : start + TOGETHER]
    stage.plays(in_every_field(texts))
    first = await send(client, "Begin: " + "\n".join(texts))
    second = await send(client, "Go on: " + "\n".join(texts), session_id=first.session_id)
    assert ("tool_result" in first.types, "plan_created" in second.types) == (True, True)
    await client.patch(f"/api/agent/sessions/{first.session_id}", json={"title": one_line(texts[0])})
    await tab.open(f"/s/{first.session_id}")
    await expect(tab.page.locator(".turn")).to_have_count(2)
    await tab.until("Done")
    await assert_harmless(tab)
    await tab.page.get_by_role("button", name="Show how").first.click()
    await assert_harmless(tab)


async def test_no_title_becomes_active(tab: Tab, stage: Stage) -> None:
    """Each hostile text as the title of a conversation stays a text, in the list, above and in the window's title."""
    async with stage.database.acting(Role.API, tab.person.identity) as scope:
        opened = [sessions.insert(scope, one_line(hostile), "global", None) for hostile in HOSTILE]
    await tab.open(f"/s/{opened[0]}")
    await expect(tab.page.locator(".session")).to_have_count(40)
    await tab.page.get_by_role("button", name="Show older ones").click()
    await expect(tab.page.locator(".session")).to_have_count(len(HOSTILE))
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text(one_line(HOSTILE[0]))
    assert list(await active_in(tab)) == []


@pytest.mark.figure
def test_there_are_enough_of_them() -> None:
    """Forty different texts are tried in each place."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40
    print(f"{len(HOSTILE)} hostile texts in every text field of the page: 0 active nodes")


async def test_a_card_shows_hostile_targets_as_text(tab: Tab, stage: Stage) -> None:
    """What a run waits for is shown as text too, and so is the note of the person."""
    stage.plays(
        rules(
            when(
                tools(*(call("create_task", {"title": one.replace("\n", " ")[:180]}) for one in HOSTILE[:12])),
                last_role="user",
            ),
            when(text("So be it.")),
        )
    )
    await tab.open()
    await tab.page.get_by_label("Ask before changes").check()
    await tab.ask("Create what I said")
    await tab.until("Waiting for your approval")
    await expect(tab.page.locator(".awaited")).to_have_count(12)
    assert list(await active_in(tab)) == []
    await tab.page.locator(".approval").get_by_label("Note").fill(HOSTILE[1])
    await tab.page.locator(".approval").get_by_role("button", name="Deny").click()
    await tab.until("Done")
    await expect(tab.page.locator(".decision")).to_contain_text(HOSTILE[1])
    assert list(await active_in(tab)) == []


async def test_links_of_an_answer_open_elsewhere_and_tell_nobody(tab: Tab, stage: Stage) -> None:
    """A link to the web opens in a tab of its own, without telling where it was; an address alone is one too."""
    stage.allow_links("example.org")
    stage.plays([text("See [the page](https://example.org/a?b=c) or write to <mailto:me@example.org>.")])
    await tab.open()
    await tab.ask("Where?")
    await tab.until("Done")
    link = tab.answer.get_by_role("link", name="the page")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("href", "https://example.org/a?b=c")
