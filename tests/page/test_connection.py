"""What the page does when something is in the way: a lost connection, a server that restarts, refusals."""

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Request, expect

from persistence import retention
from persistence.pools import Database
from persistence.scope import Identity, Role
from server.tokens import issue_token
from tests.conftest import Person
from tests.page.conftest import NewTab
from tests.page.person_at_page import Tab
from tests.page.scenes import complex_run
from tests.page.stage import TOKEN_KEY, Stage
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import call, text, tools

pytestmark = pytest.mark.xdist_group("browser")

READ: Final = tools(call("get_calendar_events", {}))
MONTH: Final = timedelta(days=30)
NOBODY: Final = Identity(UUID(int=0))


def posts_of(tab: Tab) -> list[str | None]:
    """Return the Idempotency-Key of every message that the tab sends from now on."""
    keys: list[str | None] = []

    def note(request: Request) -> None:
        if request.method == "POST" and "/api/agent/stream" in request.url:
            keys.append(request.headers.get("idempotency-key"))

    tab.page.on("request", note)
    return keys


async def forget_events(database: Database, person: Person, run_id: str) -> None:
    """Remove a run's log, as upkeep does when it is old."""
    async with database.acting(Role.API, person.identity) as scope:
        await scope.execute("update runs set finished_at = now() - %s where id = %s", (2 * MONTH, run_id))
    async with database.acting(Role.WORKER, NOBODY) as scope:
        assert await retention.expire_events(scope, MONTH, 1)


async def runs_of(client: httpx.AsyncClient) -> int:
    """Return how many runs there are."""
    return len((await client.get("/api/agent/runs")).json()["runs"])


@pytest.mark.parametrize("cut_after_bytes", [1, 1500, 4000, 9000])
async def test_a_cut_connection_loses_nothing(
    tab: Tab, stage: Stage, client: httpx.AsyncClient, cut_after_bytes: int
) -> None:
    """Wherever the stream is cut, the page goes on behind the last event, and the message is not sent as another."""
    tab.forgive(cuts=True)
    stage.plays(complex_run())
    await tab.open()
    await tab.page.wait_for_load_state("networkidle")
    keys = posts_of(tab)
    stage.front.cut_after_bytes = cut_after_bytes
    await tab.ask("Organise my week around the launch. Create a task: Water the plants")
    await tab.until("Done")
    await expect(tab.answer).to_contain_text("I put a reminder on your list.")
    assert len(set(keys)) == 1
    assert None not in keys
    assert await runs_of(client) == 1


async def test_a_connection_that_stays_away_is_said_to_be(tab: Tab, stage: Stage) -> None:
    """While nobody answers, the header counts the tries; once somebody does, the run is told to its end."""
    gate = Gate()
    tab.forgive(cuts=True)
    stage.plays([text("Good morning.", deltas=3).gated(gate, after=2)])
    await tab.open()
    await tab.ask("Good morning")
    await expect(tab.answer).to_contain_text("Good")
    await stage.front.close()
    await tab.until("Connection lost, reconnecting (2)…")
    await expect(tab.answer).to_contain_text("Good")
    gate.open()
    await stage.front.open()
    await tab.until("Done")
    await expect(tab.answer).to_have_text("Good morning.")


async def test_a_server_that_restarts_is_waited_for(tab: Tab, stage: Stage) -> None:
    """The next server takes the run up, and the page follows it there without being loaded again."""
    gate = Gate()
    tab.forgive(404, 503, cuts=True)
    stage.plays(complex_run(working=READ.gated(gate)))
    await tab.open()
    await tab.ask("Organise my week around the launch. Create a task: Water the plants")
    await gate.reached()
    await expect(tab.page.locator(".node.executing").first).to_be_visible()
    await stage.stop_server()
    await tab.until("reconnecting")
    gate.open()
    stage.plays(complex_run())
    await stage.start_server()
    await tab.until("Done")
    await expect(tab.page.locator(".node.completed")).to_have_count(5)


async def test_a_reload_in_the_middle_shows_everything(tab: Tab, stage: Stage) -> None:
    """A page that is loaded again has the question, the plan and what works, and follows the run on."""
    gate = Gate()
    stage.plays(complex_run(working=READ.gated(gate)))
    await tab.open()
    await tab.ask("Organise my week around the launch. Create a task: Water the plants")
    await gate.reached()
    await expect(tab.page.locator(".node.executing").first).to_be_visible()
    await tab.page.reload()
    await expect(tab.page.locator(".bubble")).to_contain_text("Organise my week")
    await expect(tab.page.locator(".node.executing").first).to_be_visible()
    gate.open()
    await tab.until("Done")
    await expect(tab.page.locator(".node.completed")).to_have_count(5)


async def test_too_many_messages_count_down_and_keep_the_text(tab: Tab, stage: Stage) -> None:
    """The refused message stands in the box again, and how long to wait is counted down."""
    tab.forgive(429)
    stage.limit(requests_per_minute=1)
    await tab.open()
    await tab.ask("Good morning")
    await tab.until("Done")
    await tab.ask("And good evening")
    notice = tab.page.locator(".obstacle")
    await expect(notice).to_contain_text("Too many messages in the last minute.")
    await expect(notice).to_contain_text(re.compile(r"Again in \d+ s"))
    await expect(tab.box).to_have_value("And good evening")
    await expect(tab.page.locator(".turn")).to_have_count(1)
    await expect(notice.get_by_role("button", name="Send again")).to_be_disabled()
    stage.limit(requests_per_minute=100)
    first = await notice.locator("b").inner_text()
    await expect(notice.locator("b")).not_to_have_text(first)


async def test_signing_out_keeps_what_was_typed(tab: Tab, stage: Stage) -> None:
    """Where the session ends in between, the page asks to sign in again and has the text still."""
    tab.forgive(401)
    await tab.open()
    await tab.box.fill("Good morning")
    await tab.page.context.clear_cookies()
    await tab.page.keyboard.press("Enter")  # a look of the page's own may have been refused before
    await expect(tab.page.get_by_role("dialog")).to_contain_text("You are signed out")
    await tab.page.get_by_label("Token").fill(issue_token(TOKEN_KEY, tab.person.id, 1))
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("dialog")).to_be_hidden()
    await expect(tab.box).to_have_value("Good morning")
    await tab.box.press("Enter")
    await tab.until("Done")


async def test_nobody_sees_anything_before_signing_in(tab: Tab) -> None:
    """Without a session there is the sign-in alone, and a wrong token is said to be one."""
    tab.forgive(401)
    await tab.page.context.clear_cookies()
    await tab.page.goto(tab.stage.address)
    await tab.page.get_by_label("Token").fill("pwt_wrong")
    await tab.page.get_by_role("button", name="Sign in").click()
    await expect(tab.page.get_by_role("alert")).to_have_text("This token is not valid, or not any more.")
    await expect(tab.page.locator("#main")).to_have_count(0)


@pytest.mark.parametrize("choice", ["Wait for it", "Stop the other", "New conversation"])
async def test_a_busy_conversation_offers_what_to_do(tab: Tab, stage: Stage, choice: str) -> None:
    """A second message waits for the first, stops it, or begins another conversation: the person says which."""
    gate = Gate()
    tab.forgive(409)
    stage.plays([text("First.").gated(gate), text("Second.")])
    await tab.open()
    await tab.ask("One")
    await gate.reached()
    await expect(tab.page.get_by_role("button", name="Stop")).to_be_visible()
    await tab.ask("Two")
    await tab.page.get_by_role("button", name=choice).click()
    if choice == "New conversation":
        await expect(tab.box).to_have_value("Two")
        await expect(tab.page.locator(".turn")).to_have_count(0)
        gate.open()
        return
    if choice == "Wait for it":
        await expect(tab.page.locator(".turn")).to_have_count(2)
        gate.open()
    await tab.until("Done")
    await expect(tab.answer).to_have_text("Second.")


async def test_events_that_were_removed_leave_the_answer(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """Of a run whose log is gone the answer stays, and the page says that the details were removed."""
    tab.forgive(410)
    sent = await client.post("/api/agent/stream", json={"message": "Good morning"})
    session_id = re.search(r'"session":{"id":"([^"]+)', sent.text)
    assert session_id is not None
    run = (await client.get("/api/agent/runs")).json()["runs"][0]
    await forget_events(stage.database, tab.person, run["id"])
    await tab.open(f"/s/{session_id[1]}")
    await expect(tab.answer).to_have_text("Hello to you.")
    await tab.until("details removed")


async def test_another_tab_follows_the_same_run(new_tab: NewTab, stage: Stage) -> None:
    """Two tabs of one conversation show the same run while it works, and the same answer."""
    gate = Gate()
    stage.plays([text("Good morning to both of you.", deltas=4).gated(gate, after=2)])
    first, second = await new_tab(), await new_tab()
    await first.open()
    await first.ask("Good morning")
    await expect(first.answer).to_contain_text("Good")
    await second.open(first.page.url.removeprefix(stage.address))
    await expect(second.answer).to_contain_text("Good")
    gate.open()
    for tab in (first, second):
        await tab.until("Done")
        await expect(tab.answer).to_have_text("Good morning to both of you.")
