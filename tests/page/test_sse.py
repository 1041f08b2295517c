"""Reading a stream of events in the browser: however it is cut, silent or commented."""

import pytest
from playwright.async_api import Page

from tests.page.person_at_page import Tab

pytestmark = pytest.mark.xdist_group("browser")

STREAM = 'id: 1\ndata: {"a":"é👩‍👧"}\n\n: keep-alive\n\nretry: 1500\n\nid: 2\ndata: {"b":2}\n\n'
FRAMES = [{"id": 1, "data": '{"a":"é👩‍👧"}'}, {"retry": 1500}, {"id": 2, "data": '{"b":2}'}]

# Reads the text as a body whose chunks are so many bytes long, and returns the frames.
READ = """async ([module, text, size]) => {
  const { frames } = await import(module);
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  const found = [];
  for await (const frame of frames(body)) found.push(frame);
  return found;
}"""
# Reads a body that says one thing and then nothing, with this much patience, and returns how that ends.
WAIT = """async ([module, silence_ms]) => {
  const { frames, Lost } = await import(module);
  let cancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("id: 1\\ndata: {}\\n\\n")),
    cancel: () => { cancelled = true; },
  });
  const found = [];
  try {
    for await (const frame of frames(body, silence_ms)) found.push(frame);
  } catch (error) {
    return [found, error instanceof Lost, cancelled];
  }
}"""


async def module_of(page: Page, name: str) -> str:
    """Return the address of one of the page's modules."""
    address = await page.locator(f'link[rel=modulepreload][href$="/page/{name}.js"]').get_attribute("href")
    assert address is not None
    return address


async def test_frames_are_found_however_the_bytes_are_cut(tab: Tab) -> None:
    """Cut after every byte, in the middle of letters too, or not at all: the frames are the same."""
    await tab.open()
    module = await module_of(tab.page, "sse")
    for size in (1, 2, 3, 7, 1000):
        assert await tab.page.evaluate(READ, [module, STREAM, size]) == FRAMES, size


async def test_half_a_frame_is_none(tab: Tab) -> None:
    """What a cut connection left unfinished is not taken for an event."""
    await tab.open()
    assert await tab.page.evaluate(READ, [await module_of(tab.page, "sse"), STREAM[:-1], 5]) == FRAMES[:-1]


async def test_silence_counts_as_lost(tab: Tab) -> None:
    """A connection that says nothing for too long is given up, and closed; the page waits 35 seconds."""
    await tab.open()
    module = await module_of(tab.page, "sse")
    assert await tab.page.evaluate(WAIT, [module, 20]) == [[{"id": 1, "data": "{}"}], True, True]
    assert await tab.page.evaluate("async (module) => (await import(module)).SILENCE_MS", module) == 35_000


async def test_the_waits_between_tries_are_as_promised(tab: Tab) -> None:
    """Half a second at first, fifteen at last."""
    await tab.open()
    module = await module_of(tab.page, "following")
    waits = await tab.page.evaluate("async (module) => (await import(module)).WAITS_MS", module)
    assert waits == [500, 1000, 2000, 4000, 8000, 15_000]
