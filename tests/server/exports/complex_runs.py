"""Runs that went through everything: a plan, executors, reads and writes, an answer."""

from collections.abc import Sequence
from uuid import UUID

from persistence.scope import Role
from server.exports.bundle import Bundle, bundle_of
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.turns import Desk, plan, step, submit


def complex_script(
    answer: str = "The plants are on your list.",
    *,
    title: str = "Water the plants",
    found: str = "Found it.",
    descriptions: Sequence[str] = (),
) -> Script:
    """Return a script that reads in two steps side by side, writes a task in a third, and answers."""
    steps = [step(1), step(2, tool="search_notes"), step(3, by="planner", tool="create_task", after=[1, 2])]
    for each, description in zip(steps, descriptions, strict=False):
        each["description"] = description
    return rules(
        when(tools(call("list_tasks", {})), says="Do part 1.", offers="submit_result", last_role="user"),
        when(tools(call("search_notes", {})), offers="submit_result", last_role="user"),
        when(submit(found), offers="submit_result", last_role="tool"),
        when(tools(call("create_task", {"title": title})), says="# Step 3"),
        when(text("Noted."), mentions="# Step 3", last_role="tool"),
        when(plan(*steps), offers="create_plan"),
        when(text(answer, deltas=3)),
    )


async def bundle_at(at: Desk, run_id: UUID) -> Bundle:
    """Return what is recorded of a run."""
    async with at.database.acting(Role.API, at.person.identity) as scope:
        bundle = await bundle_of(scope, run_id)
    assert bundle is not None
    return bundle
