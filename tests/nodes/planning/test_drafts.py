"""The planner's draft, read from its last answer."""

import json

import pytest
from pydantic import JsonValue

from nodes.asking.conversation import Conversation, told
from nodes.asking.reply import Reply, WantedCall
from nodes.planning.drafts import close_calls, drafted
from nodes.vocabulary.errors import PlanInvalid
from persistence.pools import Database
from persistence.record.conversations import Opening
from tests.conftest import Person
from tests.nodes.asking.room import Room, room
from tests.nodes.planning.drafts import as_json


def plan(*steps: JsonValue) -> str:
    """Give a plan's raw arguments."""
    return json.dumps({"goal": "Order.", "steps": list(steps)})


async def asked(at: Room, *calls: tuple[str, str]) -> Conversation:
    """Give a conversation whose last answer asked for these calls."""
    opening = Opening(at.context.session_id, at.context.run_id, at.planner_id, "global", None)
    wanted = tuple(WantedCall(f"c{place}", name, raw) for place, (name, raw) in enumerate(calls))
    async with at.context.writing() as scope:
        conversation = Conversation.begin(at.context, opening, [told("Organise.")])
        conversation.open(scope, opening, [told("Organise.")])
        reply = Reply("", wanted, None, "deep", None, cut=False, filtered=False)
        conversation.add_reply(scope, reply, "planner", at.planner_id)
    return conversation


async def test_the_first_draft_counts(database: Database, person: Person) -> None:
    """Two plans in one answer: the first is read, other calls beside it are no part of it."""
    async with room(database, person, []) as at:
        calls = [("list_tasks", "{}"), ("create_plan", plan(as_json(1))), ("create_plan", plan(as_json(2)))]
        steps = drafted(at.context, await asked(at, *calls))
    assert [step.step_number for step in steps] == [1]


@pytest.mark.parametrize(
    ("calls", "codes"),
    [
        pytest.param([], ["no_plan"], id="no call"),
        pytest.param([("list_tasks", "{}")], ["no_plan"], id="another call"),
        pytest.param([("create_plan", plan(as_json(1))[:-9])], ["invalid_arguments"], id="cut off"),
        pytest.param([("create_plan", "")], ["invalid_arguments"], id="empty"),
        pytest.param([("create_plan", "[]")], ["invalid_arguments"], id="a list"),
        pytest.param([("create_plan", '{"steps": "three"}')], ["invalid_arguments"], id="steps in words"),
        pytest.param([("create_plan", plan(as_json("1")))], ["invalid_arguments"], id="a number as text"),
        pytest.param([("create_plan", plan())], ["no_steps"], id="no steps"),
        pytest.param([("create_plan", plan(as_json(1, dependsOn=[1])))], ["plan_cycle"], id="a circle"),
        pytest.param(
            [("create_plan", plan(*(as_json(n) for n in range(1, 10_001))))], ["invalid_arguments"], id="10,000 steps"
        ),
    ],
)
async def test_what_is_no_sound_plan_is_refused_with_reasons(
    database: Database, person: Person, calls: list[tuple[str, str]], codes: list[str]
) -> None:
    """The model is told what to mend, in bounded words."""
    async with room(database, person, []) as at:
        conversation = await asked(at, *calls)
        with pytest.raises(PlanInvalid) as refusal:
            drafted(at.context, conversation)
    assert refusal.value.codes == codes
    assert all(0 < len(problem) < 2_000 for problem in refusal.value.problems)


async def test_every_open_call_is_closed(database: Database, person: Person) -> None:
    """Whatever becomes of a plan, each call of the answer gets a result."""
    async with room(database, person, []) as at:
        conversation = await asked(at, ("create_plan", plan(as_json(1))), ("list_tasks", "{}"))
        async with at.context.writing() as scope:
            close_calls(conversation, "The plan runs now.", "Not run.")(scope)
        assert conversation.open_calls() == []
        assert [json.loads(result)["message"] for result in conversation.results] == ["The plan runs now.", "Not run."]
