"""The questions asked of the `brain_dumps` table."""

from persistence.scope import Role
from persistence.workspace import brain_dumps
from tests.workspace_rows import Desk


async def test_a_new_dump_is_pending(desk: Desk) -> None:
    """A dump waits to be processed, without a title and a summary."""
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        dump = await brain_dumps.find(scope, await brain_dumps.insert(scope, "thoughts", None))
    assert dump is not None
    assert (dump.status, dump.title, dump.ai_summary, dump.content) == ("pending", None, None, "thoughts")


async def test_a_summary_is_searched_like_the_content(desk: Desk) -> None:
    """A dump is found by either text."""
    await desk.add("brain_dumps", content="milk", ai_summary="errands")
    async with desk.database.acting(Role.EXECUTOR, desk.person.identity) as scope:
        by_content = await brain_dumps.search(scope, brain_dumps.Wanted("MILK"), 10)
        by_summary = await brain_dumps.search(scope, brain_dumps.Wanted("Errand"), 10)
    assert len(by_content) == len(by_summary) == 1
