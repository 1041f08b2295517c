"""Runs that spend what they may: they stop asking, answer with what there is, and say why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import pytest

from nodes.vocabulary.errors import TokensSpent
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.runs.charges import Kind
from tests.conftest import TEST_SECRET, Person, new_person
from tests.roomy import ROOMY
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.script import Script, rules, when
from tests.spending import spending_of
from tests.turns import desk, plan, step, submit

QUICK: Final = replace(ROOMY, call_attempts=1, step_attempts=1, token_wait_seconds=0.1)
LOOK: Final = tools(call("list_tasks", {}))
LONG: Final = submit("Seven tasks are open. " + "word " * 8_000)


def wide() -> Script:
    """Give a plan of six steps whose second executor spends all there is."""
    return rules(
        when(LONG, offers="submit_result", says="Do part 2."),
        when(submit("Seven tasks are open."), offers="submit_result"),
        when(plan(step(1), step(2), *(step(n, after=[n - 1]) for n in range(3, 7))), offers="create_plan"),
        when(text("All is done.")),
    )


def looking() -> Script:
    """Give a planner that looks around for ever."""
    return rules(when(tools(call("list_tasks", {}), text="word " * 4_000), offers="list_tasks"))


@pytest.mark.parametrize(
    ("script", "limits", "known"),
    [
        pytest.param(wide, replace(QUICK, tokens_per_minute=16_000), "Seven tasks are open.", id="tokens, a plan"),
        pytest.param(wide, replace(QUICK, model_calls=3), "Seven tasks are open.", id="calls, a plan"),
        pytest.param(looking, replace(QUICK, tokens_per_minute=20_000), "No task matches.", id="tokens, a loop"),
        pytest.param(looking, replace(QUICK, model_calls=2), "No task matches.", id="calls, a loop"),
    ],
)
async def test_a_run_answers_with_what_there_is(
    database: Database, person: Person, script: Callable[[], Script], limits: Limits, known: str
) -> None:
    """When no more model calls may be made, the run ends well, with what was found, and says `budget_exhausted`."""
    async with desk(database, person, script(), limits=limits) as at:
        turn = await at.ask("Put my house in order")
        spent = await at.rows("select outcome from model_usage where run_id = %s", turn.run.id)
    assert (turn.run.status, turn.run.finished_reason) == ("done", "budget_exhausted")
    assert turn.events[-1]["finished_reason"] == "budget_exhausted"
    assert known in turn.text
    assert len(spent) == len(at.model.requests) <= 3


async def test_a_run_that_knows_nothing_fails_for_now(database: Database, person: Person) -> None:
    """Without room for the first call there is nothing to answer with: an error that another try may not have."""
    async with desk(database, person, looking(), limits=replace(QUICK, tokens_per_minute=5_000)) as at:
        turn = await at.ask("Put my house in order")
    last = turn.events[-1]
    assert (last["type"], last["code"], last["retryable"]) == ("error", "budget_exhausted", True)
    assert last["error"] == str(TokensSpent(5_000))
    assert at.model.requests == []


async def test_an_executor_that_may_ask_nothing_is_on_record(database: Database, person: Person) -> None:
    """It is written down and announced with its first call; one that is refused that call has been at its step."""
    script = rules(
        when(submit("Seven tasks are open."), offers="submit_result"),
        when(plan(step(1), step(2, after=[1]), step(3, after=[1])), offers="create_plan"),
        when(text("All is done.")),
    )
    async with desk(database, person, script, limits=replace(QUICK, model_calls=2)) as at:
        turn = await at.ask("Put my house in order")
        statuses = await at.rows("select status from agent_executions order by step_number")
    assert [row["status"] for row in statuses] == ["completed", "failed", "failed"]
    assert len(turn.all("executor_spawned")) == len(turn.all("executor_result")) == len(statuses)


@pytest.fixture(scope="module")
async def replicas(admin_dsn: str) -> AsyncIterator[list[Database]]:
    """Give two workers' ways to the database."""
    opened = [Database(admin_dsn, TEST_SECRET) for _ in range(2)]
    for one in opened:
        await one.open()
    yield opened
    for one in opened:
        await one.close()


@pytest.mark.figure
async def test_tokens_agree_with_the_models_own_count(
    replicas: list[Database], database: Database, admin_dsn: str
) -> None:
    """Plans of several people, side by side on two workers: each window holds, and what is charged is what was used."""
    most, charged, counted, windows, violated, refused = 60_000, 0, 0, 0, 0, 0
    limits = replace(QUICK, tokens_per_minute=most, token_wait_seconds=0.5)
    script = rules(
        when(LOOK, offers="submit_result", last_role="user"),
        when(submit("Seven tasks are open."), offers="submit_result"),
        when(plan(*(step(n) for n in range(1, 5))), offers="create_plan"),
        when(text("All is done.")),
    )
    people = [await new_person(database) for _ in range(3)]
    async with AsyncExitStack() as stack:
        desks = [
            await stack.enter_async_context(desk(replicas[n % 2], person, script, limits=limits))
            for n in range(5)
            for person in people
        ]
        turns = await asyncio.gather(*(at.ask("Put my house in order") for at in desks[: len(people)]))
        turns += await asyncio.gather(*(at.ask("Put my house in order") for at in desks[len(people) :]))
        refused = sum(turn.run.finished_reason != "stop" for turn in turns)
        counted = sum(at.model.usage.total for at in desks)
    for person in people:
        with spending_of(admin_dsn, person) as spent:
            there, over = spent.windows(Kind.TOKEN, most)
            windows, violated = windows + there, violated + over
            charged += sum(spent.amounts(Kind.TOKEN))
    print(f"tokens: {len(turns)} plans of {len(people)} people on 2 workers, {refused} out of budget;", end=" ")
    print(f"charged {charged:,}, the model server counted {counted:,}; windows {windows}, violated {violated}")
    assert charged == counted
    assert 0 < refused < len(turns)
    assert violated == 0
