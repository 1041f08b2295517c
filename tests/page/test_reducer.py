"""The fold of a run exists in Python and in JavaScript, and both agree on every recorded log."""

import json

import pytest
from playwright.async_api import Page
from pydantic import JsonValue

from nodes.vocabulary.view import Arrival, RunView, fold, reduce
from tests.page.person_at_page import Tab
from tests.page.recording import arrivals_of, as_json, names, odd, state_of, without_nothing
from tests.page.scenes import SCENES

pytestmark = pytest.mark.xdist_group("browser")

# Folds a log event by event in the page's own module; each view is sent as JSON.
FOLD = """async ([module, arrivals]) => {
  const { EMPTY, reduce } = await import(module);
  const views = [];
  let view = EMPTY;
  for (const arrival of arrivals) {
    const folded = reduce(view, arrival);
    if (reduce(folded, arrival) !== folded) throw new Error(`folded twice: ${arrival.payload}`);
    view = folded;
    views.push(JSON.stringify(view));
  }
  return views;
}"""
NAMES = names()


def as_sent(arrivals: list[Arrival]) -> list[dict[str, JsonValue]]:
    """Return arrivals as JSON."""
    return [{"seq": one.seq, "payload": one.payload, "at_ms": one.at_ms} for one in arrivals]


async def folded_by_the_page(page: Page, arrivals: list[Arrival]) -> list[JsonValue]:
    """Return what the page's reducer makes of each prefix of a log."""
    module = await page.locator('link[rel=modulepreload][href$="/page/reducer.js"]').get_attribute("href")
    views: list[str] = await page.evaluate(FOLD, [module, as_sent(arrivals)])
    return [without_nothing(json.loads(view)) for view in views]


def prefixes(arrivals: list[Arrival]) -> list[JsonValue]:
    """Return what Python makes of each prefix of a log."""
    view, views = RunView(), list[JsonValue]()
    for arrival in arrivals:
        view = reduce(view, arrival)
        views.append(as_json(view))
    return views


def test_every_scene_is_recorded() -> None:
    """There is a log of each scene, and one that a bad network and a newer server made odd."""
    assert {*NAMES} == {*SCENES, "odd"}


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_log_folds_as_it_did(name: str) -> None:
    """What a log folds to stays what it was when it was recorded."""
    assert as_json(fold(arrivals_of(name))) == state_of(name)


def test_the_odd_log_is_made_of_the_complex_one() -> None:
    """It has each event twice, and after each something that is no event."""
    assert list(odd(arrivals_of("complex"))) == arrivals_of("odd")
    assert len(fold(arrivals_of("odd")).unknown) > 1


async def test_both_languages_agree_on_every_prefix(tab: Tab) -> None:
    """For each prefix of each log, JavaScript's view is Python's; an event that is folded again changes nothing."""
    await tab.open()
    compared = 0
    for name in NAMES:
        arrivals = arrivals_of(name)
        assert await folded_by_the_page(tab.page, arrivals) == prefixes(arrivals), name
        compared += len(arrivals)
    assert compared > 200
    print(f"{compared} prefixes of {len(NAMES)} logs fold alike in Python and in JavaScript")
