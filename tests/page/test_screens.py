"""The screens beside the conversation: runs and their traces, the workspace, the settings."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.page.accessibility import NARROW_PX, sideways, violations
from tests.page.person_at_page import Tab
from tests.page.recording import Recorder
from tests.page.scenes import SCENES
from tests.page.stage import Stage
from tests.server.reading import send

pytestmark = pytest.mark.xdist_group("browser")

SCREENS = {
    "/runs": "tbody tr",
    "/workspace": ".item",
    "/workspace?kind=calendar": ".segments",
    "/settings": ".settings .meter",
}


async def played(stage: Stage, client: httpx.AsyncClient, *names: str) -> list[dict[str, Any]]:
    """Play scenes, and return the traces of their runs."""
    for name in names:
        await Recorder(stage, client).play(SCENES[name])
    stage.reset()
    runs = (await client.get("/api/agent/runs")).json()["runs"]
    return [(await client.get(f"/api/agent/runs/{run['id']}")).json() for run in reversed(runs)]


async def test_runs_are_listed_with_their_figures_and_filtered_by_the_address(
    tab: Tab, stage: Stage, client: httpx.AsyncClient
) -> None:
    """Each row has what its run came to; a filter stands in the address, and an address with a filter is taken."""
    traces = await played(stage, client, "simple", "complex", "error")
    await tab.open("/runs")
    rows = tab.page.locator("table.runs tbody tr")
    await expect(rows).to_have_count(3)
    run = traces[1]["run"]
    line = rows.filter(has_text="Organise my week")
    await expect(line).to_contain_text("5/5")
    await expect(line).to_contain_text(f"{run['prompt_tokens'] + run['completion_tokens']:,}")
    await expect(rows.filter(has_text="Failed")).to_contain_text("model unavailable")
    await tab.page.get_by_label("Status").select_option("error")
    await expect(rows).to_have_count(1)
    assert tab.page.url.endswith("/runs?status=error")
    await tab.open("/runs?strategy=complex&search=week")
    await expect(rows).to_have_count(1)
    await expect(tab.page.get_by_label("Search requests")).to_have_value("week")
    await tab.page.get_by_role("link", name="Clear").click()
    await expect(rows).to_have_count(3)


async def test_a_trace_has_every_number_of_its_run(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """Tokens, calls and steps of the page are those of the record; the waterfall has a row for each call and agent."""
    [trace] = await played(stage, client, "complex")
    run, calls = trace["run"], trace["model_calls"]
    await tab.open(f"/runs/{run['id']}")
    figures = tab.page.locator(".trace-head .figures")
    spent = sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls)
    for name, value in {
        "Tokens": f"{spent:,}",
        "Model calls": str(len(calls)),
        "Tool calls": str(len(trace["tool_calls"])),
        "Steps": "5 of 5",
        "Changed": "1",
    }.items():
        await expect(figures.locator("div", has_text=name).locator("dd")).to_have_text(value)
    await expect(tab.page.locator(".node.completed")).to_have_count(5)
    await expect(tab.page.locator(".fall.model")).to_have_count(len(calls))
    await expect(tab.page.locator(".fall.tool")).to_have_count(len(trace["tool_calls"]))
    await expect(tab.page.locator(".fall.planner, .fall.executor")).to_have_count(len(trace["agents"]))
    await expect(tab.page.locator(".fall.critical")).not_to_have_count(0)
    await tab.page.locator(".fall.tool").first.click()
    await expect(tab.page.locator(".detail")).to_contain_text("applied")
    assert await violations(tab.page) == []


async def test_a_trace_shows_messages_calls_and_events(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """What planner and executors said to each other, each model call, and each event of the log can be read."""
    [trace] = await played(stage, client, "complex")
    await tab.open(f"/runs/{trace['run']['id']}")
    await tab.page.get_by_role("button", name="Messages").click()
    talks = tab.page.locator(".talk-log")
    await expect(talks).to_have_count(len(trace["conversations"]))
    await talks.first.locator("summary").click()
    await expect(talks.first.locator(".message").first).to_contain_text("You are the planner of Planwright")
    await tab.page.get_by_role("button", name="Model calls").click()
    await expect(tab.page.locator("tbody tr")).to_have_count(len(trace["model_calls"]))
    await tab.page.get_by_role("button", name="Raw events").click()
    await expect(tab.page.locator(".event")).to_have_count(trace["run"]["last_seq"])
    await tab.page.locator(".event").last.click()
    await expect(tab.page.locator(".events pre")).to_contain_text('"finished_reason": "stop"')
    assert await violations(tab.page) == []


async def test_an_exported_run_is_opened_from_its_file(
    tab: Tab, stage: Stage, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """The page shows a file as it shows a run, sends it nowhere, and says of another file that it is none."""
    [trace] = await played(stage, client, "complex")
    exported, other = tmp_path / "run.json", tmp_path / "other.json"
    exported.write_text(json.dumps({"trace": trace}))
    other.write_text("[]")
    await tab.open("/runs")
    await tab.page.locator("input[type=file]").set_input_files(other)
    await expect(tab.page.get_by_role("alert")).to_have_text("This is not an exported run.")
    await tab.page.locator("input[type=file]").set_input_files(exported)
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text(trace["run"]["request"])
    await expect(tab.page.locator(".node.completed")).to_have_count(5)
    await expect(tab.page.get_by_text("from a file")).to_be_visible()


async def test_what_was_changed_can_be_looked_at(tab: Tab, stage: Stage) -> None:
    """The link of a change leads to its row in the workspace, with every field that has a value."""
    stage.plays(SCENES["tool_use"].script())
    await tab.open()
    await tab.ask(SCENES["tool_use"].request)
    await tab.until("Done")
    await tab.page.locator(".changed-list .chip").click()
    row = tab.page.get_by_role("region", name="One row")
    await expect(row.get_by_role("heading")).to_have_text("Water the plants")
    await expect(row).to_contain_text("backlog")
    await tab.page.get_by_label("Search tasks").fill("nothing like this")
    await expect(tab.page.get_by_text("There is nothing here.")).to_be_visible()


async def test_settings_say_what_there_is_and_make_tokens(tab: Tab, stage: Stage) -> None:
    """Models, limits and tools are listed; a token is shown once, works, and is good for nothing once revoked."""
    await tab.open("/settings")
    await expect(tab.page.get_by_role("region", name="Models")).to_contain_text("deep")
    await expect(tab.page.get_by_role("region", name="Tools")).to_contain_text("changes")
    tokens = tab.page.get_by_role("region", name="API tokens")
    await tokens.get_by_label("Name").fill("my script")
    await tokens.get_by_role("button", name="Make a token").click()
    token = await tokens.locator("code").inner_text()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as script:
        assert (await script.get(f"{stage.address}/api/agent/runs")).status_code == httpx.codes.OK
        await tokens.get_by_role("button", name="Revoke my script").click()
        await expect(tokens).to_contain_text("You have none.")
        assert (await script.get(f"{stage.address}/api/agent/runs")).status_code == httpx.codes.UNAUTHORIZED


async def test_signing_out_ends_the_session(tab: Tab) -> None:
    """Signed out, the page shows the sign-in, and so does a page that is loaded anew."""
    tab.forgive(401)
    await tab.open("/settings")
    await tab.page.get_by_role("button", name="Sign out").click()
    await expect(tab.page.get_by_role("heading", name="Sign in to Planwright")).to_be_visible()
    assert await tab.page.locator("#main").count() == 0
    await tab.page.goto(f"{tab.stage.address}/settings")
    await expect(tab.page.get_by_role("heading", name="Sign in to Planwright")).to_be_visible()


async def test_the_one_time_link_leads_to_the_page(tab: Tab, stage: Stage) -> None:
    """Whoever opens the link that `serve` prints is at a new conversation, signed in."""
    await tab.page.context.clear_cookies()
    await tab.page.goto(f"{stage.address}/sign-in#{await stage.one_time_code(tab.person)}")
    await expect(tab.page.get_by_role("heading", name="What can I help with?")).to_be_visible()
    assert tab.page.url == f"{stage.address}/"


async def test_every_screen_is_for_everybody(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """No screen has a violation in either theme, nor scrolls sideways at 320 pixels."""
    trace, _ = await played(stage, client, "complex", "error")
    for address, awaited in {**SCREENS, f"/runs/{trace['run']['id']}": ".fall"}.items():
        await tab.page.set_viewport_size({"width": 1440, "height": 900})
        await tab.open(address)
        await expect(tab.page.locator(awaited).first).to_be_visible()
        assert await violations(tab.page) == [], address
        await tab.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert await violations(tab.page) == [], address
        await tab.page.set_viewport_size({"width": NARROW_PX, "height": 700})
        assert await sideways(tab.page) == 0, address


async def test_what_is_not_there_is_said_so(tab: Tab, stage: Stage) -> None:
    """Runs of others and addresses of nothing are told apart from errors by nobody."""
    tab.forgive(404)
    await tab.open("/runs/9b32d016-0000-4000-8000-000000000000")
    await expect(tab.page.get_by_role("heading", name="This run is not there")).to_be_visible()


async def test_a_first_visit_asks_for_no_more_than_it_shows(tab: Tab, client: httpx.AsyncClient) -> None:
    """The page asks for each of its files once, and for nothing that the first screen does not need."""
    await send(client, "Good morning")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    await tab.open()
    files = [url for url in asked if "/static/" in url]
    assert len(files) == len(set(files))
    assert not [url for url in files if "trace_screen" in url or "settings_screen" in url]
