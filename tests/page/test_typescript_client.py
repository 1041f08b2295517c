"""The TypeScript client in a browser, on a page of the server's own origin."""

from subprocess import run

import pytest
from playwright.async_api import BrowserContext

from tests.house.project import ROOT
from tests.page.person_at_page import Tab
from tests.page.stage import Stage
from tests.scripted_model.replies import text
from tests.scripted_model.script import rules, when
from tests.server.client.node import NODE, WITHOUT_NODE

pytestmark = pytest.mark.xdist_group("browser")

CLIENT = ROOT / "clients/typescript/planwright.ts"
STRIPS = "console.log(require('node:module').stripTypeScriptTypes(require('node:fs').readFileSync(0, 'utf8')))"
FOLLOWS = """async (message) => {
    const { Planwright } = await import("/planwright.js");
    const planwright = new Planwright(location.origin);
    planwright.pausesMs = [0, 0, 0, 0, 0, 0];
    let lost = 0;
    planwright.onLost = () => (lost += 1);
    const events = [];
    for await (const { event } of planwright.stream({ message })) events.push(event);
    return { events, lost, runs: (await planwright.read("/api/agent/runs")).runs.length };
}"""
ANSWER = "A long answer. " * 300


def as_javascript() -> str:
    """Return the client without its types."""
    return run([NODE, "-e", STRIPS], input=CLIENT.read_text(), capture_output=True, text=True, check=True).stdout


@WITHOUT_NODE
async def test_a_run_is_followed_over_a_break(tab: Tab, context: BrowserContext, stage: Stage) -> None:
    """Signed in by the page's cookie, the client follows a run whose connection breaks, under the page's policy."""
    tab.forgive(cuts=True)
    stage.plays(rules(when(text(ANSWER, deltas=200))))
    script = as_javascript()
    await context.route("**/planwright.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    await tab.open()
    stage.front.cut_after_bytes = 3_000
    seen = await tab.page.evaluate(FOLLOWS, "Hello")
    said = "".join(event["content"] for event in seen["events"] if event["type"] == "text")
    assert said.strip() == ANSWER.strip()
    assert seen["events"][-1]["type"] == "done"
    assert (seen["lost"] >= 1, seen["runs"]) == (True, 1)
