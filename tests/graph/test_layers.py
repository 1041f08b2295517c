"""Each layer between an executor and a write, alone: the others are taken away, and it still refuses."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from nodes.planning import rules as plan_rules
from nodes.planning.rules import validate
from nodes.vocabulary.errors import PlanInvalid
from nodes.vocabulary.limits import Limits
from persistence.pools import Database
from persistence.scope import Role
from tests.conftest import Person
from tests.nodes.planning.drafts import draft, step
from tests.scripted_model.replies import text
from tests.scripted_model.script import rules, when
from tests.tools.bench import Bench, set_up, writes_that_would_work
from tests.turns import desk, plan, submit
from tests.turns import step as planned
from tests.workspace_rows import Desk
from tools.arguments import validated
from tools.consent import Consent, Mode
from tools.errors import AwaitsPerson, MayNotWrite
from tools.gateway import Asked, Holder
from tools.registry import Registry
from tools.tool import Access, Caller, Tool

REGISTRY: Final = Registry.build()
AGREED: Final = Consent(Mode.AUTO, "Please delete the event “Focus”.")  # nothing waits for a person
Refuses = Callable[[Bench, Asked], Awaitable[bool]]


def unbound(bench: Bench) -> Holder:
    """Return the executor as one that may write and holds every tool: what the planner is."""
    return replace(bench.executor, access=Access.WRITE, tools=frozenset(bench.registry.names()))


async def run_itself(bench: Bench, call: Asked, caller: Caller) -> None:
    """Run a tool with no gateway in front of it."""
    tool = bench.registry.tools[call.tool]
    await tool.run(validated(tool, call.arguments), caller)


async def declaration(bench: Bench, call: Asked) -> bool:
    """A tool that does not say that it reads is none that an executor can be given."""
    tool = bench.registry.tools[call.tool]
    return Registry.of([Tool(name=tool.name, args=tool.args, run=tool.run)]).reading() == []


async def plan_validation(bench: Bench, call: Asked) -> bool:
    """A plan that gives it to an executor is no plan."""
    try:
        validate(draft(step(1, tools=[call.tool])), bench.registry, Limits())
    except PlanInvalid as invalid:
        return invalid.codes == ["write_tool_on_executor"]
    return False


async def held_tools(bench: Bench, call: Asked) -> bool:
    """An executor that may write by mistake calls only the tools that it holds."""
    return (await bench.call(replace(bench.executor, access=Access.WRITE), call)).code == "tool_not_offered"


async def gateway(bench: Bench, call: Asked) -> bool:
    """An executor that holds every tool by mistake may not write."""
    return (await bench.call(replace(unbound(bench), access=Access.READ), call)).code == "write_denied"


async def capability(bench: Bench, call: Asked) -> bool:
    """A tool that passes for a reading one is run by a caller that has nothing to write with."""
    liar = replace(bench.registry.tools[call.tool], access=Access.READ)
    bench = replace(bench, registry=Registry.of([liar]))
    return (await bench.call(unbound(bench), call)).code == MayNotWrite.code


async def caller(bench: Bench, call: Asked) -> bool:
    """The same without a gateway."""
    try:
        await run_itself(bench, call, bench.desk.reader())
    except MayNotWrite:
        return True
    return False


async def database_role(bench: Bench, call: Asked) -> bool:
    """A caller that writes through the executor's login is refused by the database."""
    try:
        async with bench.desk.database.acting(Role.EXECUTOR, bench.desk.person.identity) as scope:
            await run_itself(bench, call, replace(bench.desk.reader(), write_scope=scope))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return True
    return False


async def approval(bench: Bench, call: Asked) -> bool:
    """Where writes wait for a person, an executor that may do everything waits too."""
    try:
        await replace(bench, consent=Consent(Mode.ASK, "")).call(unbound(bench), call)
    except AwaitsPerson:
        return True
    return False


LAYERS: Final[tuple[Refuses, ...]] = (
    declaration,
    plan_validation,
    held_tools,
    gateway,
    capability,
    caller,
    database_role,
    approval,
)


@pytest.mark.figure
@pytest.mark.parametrize("refuses", LAYERS, ids=lambda layer: layer.__name__)
async def test_each_layer_alone_refuses_every_write(
    database: Database, person: Person, refuses: Refuses, capsys: pytest.CaptureFixture[str]
) -> None:
    """With every other layer out of the way, this one refuses each of the nine writes, and nothing changes."""
    bench = replace(await set_up(Desk(database, person), REGISTRY), consent=AGREED)
    calls = await writes_that_would_work(bench.desk)
    before = await bench.workspace()
    refused = [await refuses(bench, call) for call in calls]
    with capsys.disabled():
        print(f"writes refused by the {refuses.__name__.replace('_', ' ')} alone: {sum(refused)} of {len(refused)}")
    assert refused == [True] * 9
    assert await bench.workspace() == before


async def test_without_any_layer_the_writes_are_done(database: Database, person: Person) -> None:
    """An executor that all of them were taken away from writes: the refusals above are no accidents."""
    bench = replace(await set_up(Desk(database, person), REGISTRY), consent=AGREED)
    calls = await writes_that_would_work(bench.desk)
    assert [(await bench.call(unbound(bench), call)).code for call in calls] == [None] * 9


async def test_an_executor_is_not_shown_what_writes(
    database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a plan that nobody checked and that gives write tools to an executor shows its model none of them."""

    def unchecked(*_: object) -> Iterator[plan_rules.Problem]:
        return iter(())

    monkeypatch.setattr(plan_rules, "_step_problems", unchecked)
    writes = [planned(number, tool=[tool, "list_tasks"]) for number, tool in enumerate(REGISTRY.writing(), 1)]
    script = rules(
        when(submit(), offers="submit_result"), when(plan(*writes), offers="create_plan"), when(text("Done."))
    )
    async with desk(database, person, script) as at:
        await at.ask("Change everything")
        shown = [request.offered for request in at.model.requests if "submit_result" in request.offered]
    assert shown == [["list_tasks", "submit_result"]] * 9
