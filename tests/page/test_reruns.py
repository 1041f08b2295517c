"""What can be done with a run afterwards: again, another way, beside another, back, away."""

import httpx
import pytest
from playwright.async_api import expect

from tests.page.accessibility import violations
from tests.page.person_at_page import Tab
from tests.page.recording import Recorder
from tests.page.scenes import SCENES
from tests.page.stage import Stage
from tests.scripted_model.replies import text
from tests.scripted_model.script import rules, when

pytestmark = pytest.mark.xdist_group("browser")


async def trace_of(tab: Tab, stage: Stage, client: httpx.AsyncClient, name: str) -> str:
    """Play a scene, open its trace, and return the id of its run."""
    await Recorder(stage, client).play(SCENES[name])
    run_id = str((await client.get("/api/agent/runs")).json()["runs"][0]["id"])
    await tab.open(f"/runs/{run_id}")
    await expect(tab.page.locator(".trace-head .badge", has_text="Done")).to_be_visible()
    return run_id


async def test_a_replay_asks_no_model(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """Played again from its record, the run has the same steps, and says what it was made from."""
    first = await trace_of(tab, stage, client, "complex")
    stage.plays([])
    await tab.page.get_by_role("button", name="Replay").click()
    await expect(tab.page.locator(".trace-head")).to_contain_text("made from another run")
    await expect(tab.page.locator(".trace-head .badge", has_text="Done")).to_be_visible()
    assert not tab.page.url.endswith(first)
    await expect(tab.page.locator(".node.completed")).to_have_count(5)


async def test_a_fork_goes_another_way_and_is_compared(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """With another message the run is begun anew, writes only tried out; both stand side by side, line by line."""
    first = await trace_of(tab, stage, client, "simple")
    stage.plays(rules(when(text("Good evening. Your week is over."))))
    await tab.page.get_by_role("button", name="Fork", exact=True).click()
    form = tab.page.locator("form.fork")
    await form.locator("textarea").fill("Good evening")
    assert await violations(tab.page) == []
    await form.get_by_role("button", name="Fork").click()
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("Good evening")
    await expect(tab.page.locator(".trace-head")).to_contain_text("writes only tried out")
    second = tab.page.url.rpartition("/")[2]
    await tab.open("/runs")
    await expect(tab.page.get_by_role("checkbox")).to_have_count(2)
    for box in await tab.page.get_by_role("checkbox").all():
        await box.check()
    await tab.page.get_by_role("link", name="Compare the two").click()
    assert {first, second} <= {*tab.page.url.split("/")}
    await expect(tab.page.locator(".lines .first")).to_contain_text("Good")
    await expect(tab.page.locator(".lines .second")).to_contain_text("Good")
    await expect(tab.page.locator("tr", has_text="Strategy")).to_contain_text("simple request")
    assert await violations(tab.page) == []


async def test_a_fork_from_a_step_keeps_the_others(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """From a step on, that step is worked on anew, in other words if wanted; others keep their results."""
    await trace_of(tab, stage, client, "complex")
    stage.plays(SCENES["complex"].script())
    await tab.page.get_by_role("button", name="Fork", exact=True).click()
    form = tab.page.locator("form.fork")
    await form.get_by_label("From").select_option("4")
    await expect(form.get_by_label("Message", exact=True)).to_have_count(0)
    await form.get_by_label("What the step is to do").fill("Weigh them by their dates alone")
    await form.get_by_role("button", name="Fork").click()
    await expect(tab.page.locator(".trace-head")).to_contain_text("writes only tried out")
    await expect(tab.page.locator(".trace-head .badge", has_text="Done")).to_be_visible()
    await expect(tab.page.locator(".node.completed")).to_have_count(5)
    await expect(tab.page.locator(".node.completed", has_text="Weigh them by their dates alone")).to_be_visible()


async def test_changes_are_undone(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """What a run made is taken back, once; asked again, the page says what is left and why."""
    await trace_of(tab, stage, client, "tool_use")
    assert len((await client.get("/api/workspace/tasks")).json()["items"]) == 1
    await tab.page.get_by_role("button", name="Undo 1 change").click()
    await expect(tab.page.get_by_role("status")).to_have_text("1 change undone.")
    assert (await client.get("/api/workspace/tasks")).json()["items"] == []
    await tab.page.get_by_role("button", name="Undo 1 change").click()
    await expect(tab.page.get_by_role("status")).to_contain_text("It was undone before.")


async def test_a_run_is_taken_away_and_opened_again(tab: Tab, stage: Stage, client: httpx.AsyncClient) -> None:
    """The exports are downloads; the page opens the JSON one as it shows the run."""
    run_id = await trace_of(tab, stage, client, "complex")
    async with tab.page.expect_download() as html:
        await tab.page.get_by_role("link", name="HTML").click()
    assert (await html.value).suggested_filename == f"planwright-run-{run_id}.html"
    async with tab.page.expect_download() as document:
        await tab.page.get_by_role("link", name="JSON").click()
    file = await (await document.value).path()
    await tab.open("/runs")
    await tab.page.locator("input[type=file]").set_input_files(file)
    await expect(tab.page.get_by_text("from a file")).to_be_visible()
    await expect(tab.page.locator(".node.completed")).to_have_count(5)


async def test_the_route_is_told_and_can_be_another(tab: Tab, stage: Stage) -> None:
    """Why a request went its way is told; a plan can be asked for anyway, and a plain answer too."""
    stage.plays(SCENES["simple"].script())
    await tab.open()
    await tab.ask(SCENES["simple"].request)
    await tab.until("Done")
    await tab.page.get_by_role("button", name="simple request").click()
    stage.plays(SCENES["complex"].script())
    await tab.page.get_by_role("button", name="Make a plan anyway").click()
    await expect(tab.page.locator(".turn")).to_have_count(2)
    await tab.until("Done")
    await expect(tab.page.locator(".node")).to_have_count(5)
    await tab.page.get_by_role("button", name="complex request").last.click()
    stage.plays(SCENES["simple"].script())
    await tab.page.get_by_role("button", name="Just answer").click()
    await expect(tab.page.locator(".turn")).to_have_count(3)
    await tab.until("Done")
    await expect(tab.answer).to_contain_text("Your week begins with two meetings.")


async def test_a_question_is_edited_and_asked_again(tab: Tab, stage: Stage) -> None:
    """A failed question can be tried again as it was, and any can be changed and sent as another."""
    stage.plays(SCENES["error"].script())
    await tab.open()
    await tab.ask("Good morning")
    await tab.until("Failed")
    stage.plays(SCENES["simple"].script())
    await tab.page.get_by_role("button", name="Try again").click()
    await tab.until("Done")
    await expect(tab.page.locator(".bubble")).to_have_text(["Good morning", "Good morning"])
    await tab.page.get_by_role("button", name="Edit and send again").last.click()
    await expect(tab.box).to_have_value("Good morning")
    await expect(tab.box).to_be_focused()
    await tab.box.press("End")
    await tab.page.keyboard.type(" to you")
    await tab.box.press("Enter")
    await expect(tab.page.locator(".bubble").last).to_have_text("Good morning to you")
    await tab.until("Done")
