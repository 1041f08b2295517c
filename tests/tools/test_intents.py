"""Whether what a person asked for covers a call: its kind of change, its row, its value, its number."""

import json
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from pydantic import JsonValue

from persistence.pools import Database
from persistence.runs import intents as stored
from tests.conftest import Person
from tests.tools import extension
from tests.tools.bench import Bench, asked, set_up
from tests.workspace_rows import NEVER_USED, NOW, TOOLS, Desk
from tools.arguments import validated
from tools.describing.subjects import subject_of
from tools.errors import AwaitsPerson
from tools.intents import NOTHING, Intent, as_json, covers, from_json, intents_schema, kinds_of_change
from tools.registry import WRITE_TOOLS, Registry
from tools.tool import Access, Effect, Tool
from tools.write.calendar import EventUpdates
from tools.write.projects import ProjectUpdates
from tools.write.tasks import TaskUpdates

Json = dict[str, JsonValue]


@pytest.fixture
async def desk(database: Database, person: Person) -> Desk:
    """Give a workspace with an overdue task, one that is not, an event and a project."""
    return Desk(database, person)


async def furnish(desk: Desk) -> dict[str, str]:
    """Put the rows in; return their ids."""
    project = await desk.add_project("Relaunch")
    late = await desk.add_task("Pay the rent", start_date=NOW - timedelta(days=2), priority="high")
    soon = await desk.add_task("Call the landlord", start_date=NOW + timedelta(days=2), project_id=project)
    event = await desk.add_event(soon, NOW + timedelta(days=2))
    return {"late": str(late), "soon": str(soon), "event": str(event), "project": str(project)}


def filled(arguments: Json, rows: dict[str, str]) -> Json:
    """Return arguments with the ids of the rows they name."""
    return {name: rows.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}


LATER: Final = "2026-12-01T10:00"
MILK: Final[Json] = {"change": "new_task", "names": ["buy milk"]}
DONE: Final[Json] = {"change": "task_status", "names": [], "which": ["overdue"], "to": "done"}


@pytest.mark.parametrize(
    ("intent", "tool", "arguments", "is_covered"),
    [
        pytest.param(DONE, "update_task", {"task_id": "late", "updates": {"status": "done"}}, True, id="overdue done"),
        pytest.param(DONE, "update_task", {"task_id": "soon", "updates": {"status": "done"}}, False, id="not overdue"),
        pytest.param(
            DONE, "update_task", {"task_id": "late", "updates": {"status": "blocked"}}, False, id="other value"
        ),
        pytest.param(
            DONE,
            "update_task",
            {"task_id": "late", "updates": {"status": "done", "description": "canary"}},
            False,
            id="one field more",
        ),
        pytest.param(
            DONE,
            "update_task",
            {"task_id": "late", "updates": {"status": "done", "title": "Pay the rent", "priority": "high"}},
            True,
            id="fields as they are",
        ),
        pytest.param(DONE, "create_task", {"title": "Pay the rent"}, False, id="other tool"),
        pytest.param(DONE, "schedule_task", {"task_id": "late", "start_time": LATER}, False, id="other kind"),
        pytest.param(
            {"change": "task_status", "names": ["the rent"]},
            "update_task",
            {"task_id": "late", "updates": {"status": "done"}},
            True,
            id="named",
        ),
        pytest.param(
            {"change": "task_status", "names": ["rent"]},
            "update_task",
            {"task_id": "soon", "updates": {"status": "done"}},
            False,
            id="another is named",
        ),
        pytest.param(
            {"change": "task_status", "names": ["Relaunch"]},
            "update_task",
            {"task_id": "soon", "updates": {"status": "done"}},
            True,
            id="named by its project",
        ),
        pytest.param(
            {"change": "time", "names": ["landlord call"]},
            "update_or_schedule_task",
            {"task_id": "soon", "start_time": LATER},
            True,
            id="moved by scheduling",
        ),
        pytest.param(
            {"change": "time", "names": ["landlord call"]},
            "update_task",
            {"task_id": "soon", "updates": {"start_date": "2026-12-01"}},
            True,
            id="moved by its date",
        ),
        pytest.param(
            {"change": "time", "names": ["landlord call"]},
            "update_calendar_event",
            {"event_id": "event", "updates": {"start_time": "2026-12-01"}},
            True,
            id="moved by its event",
        ),
        pytest.param(
            {"change": "time", "names": ["landlord call"]},
            "update_or_schedule_task",
            {"task_id": "late", "start_time": "2026-12-01T10:00", "project_id": "project"},
            False,
            id="another is moved",
        ),
        pytest.param(
            {"change": "time", "names": []},
            "update_or_schedule_task",
            {"task_id": "late", "start_time": "2026-12-01T10:00", "project_id": "project"},
            False,
            id="moved into a project too",
        ),
        pytest.param(
            {"change": "time", "names": []},
            "update_or_schedule_task",
            {"task_id": "soon", "start_time": "2026-12-01T10:00", "project_id": "project"},
            True,
            id="into the project where it is",
        ),
        pytest.param(MILK, "create_task", {"title": "Buy milk"}, True, id="new"),
        pytest.param(
            {"change": "new_task", "names": ["buy milk"]},
            "create_task",
            {"title": "Wire money"},
            False,
            id="new, other",
        ),
        pytest.param({"change": "new_task", "names": []}, "create_task", {"title": "Anything"}, True, id="left open"),
        pytest.param(
            {"change": "new_note", "names": ["Ann likes blue"]},
            "create_note",
            {"title": "Colours", "content": "Ann likes blue and green."},
            True,
            id="a note by its content",
        ),
        pytest.param(
            {"change": "task_title", "names": ["rent"], "to": "Pay rent in cash"},
            "update_task",
            {"task_id": "late", "updates": {"title": "Pay rent in cash"}},
            True,
            id="renamed",
        ),
        pytest.param(
            {"change": "task_title", "names": ["rent"], "to": "Pay rent in cash"},
            "update_task",
            {"task_id": "late", "updates": {"title": "Wire it to Eve"}},
            False,
            id="renamed otherwise",
        ),
        pytest.param(
            {"change": "project_status", "names": ["relaunch"], "to": "paused"},
            "update_project",
            {"project_id": "project", "updates": {"status": "paused"}},
            True,
            id="a project paused",
        ),
        pytest.param(
            {"change": "project_status", "names": ["relaunch"]},
            "update_project",
            {"project_id": "project", "updates": {"status": "paused", "context": "canary"}},
            False,
            id="a project paused and more",
        ),
        pytest.param(
            {"change": "task_status", "names": ["rent"]},
            "update_task",
            {"task_id": str(NEVER_USED), "updates": {"status": "done"}},
            True,
            id="no such row: the tool says so",
        ),
    ],
)
async def test_a_call_is_held_against_what_was_asked_for(
    desk: Desk, intent: Json, tool: str, arguments: Json, *, is_covered: bool
) -> None:
    """Everything a call would change has to be of a kind, of a row and of a value that the person named."""
    chosen = TOOLS[tool]
    args = validated(chosen, json.dumps(filled(arguments, await furnish(desk))))
    caller = desk.reader()
    wanted = Intent.model_validate_json(json.dumps(intent))
    assert covers([wanted], chosen, args, await subject_of(args, caller), caller) is is_covered
    assert not covers(NOTHING, chosen, args, await subject_of(args, caller), caller)


@pytest.mark.parametrize(
    ("names", "is_covered"), [(["eve"], True), (["bob"], False), ([], False)], ids=["named", "another", "nobody"]
)
async def test_what_leaves_goes_where_the_person_named(desk: Desk, names: list[str], *, is_covered: bool) -> None:
    """A tool that reaches outside has to be asked for by name, with a name that its arguments hold."""
    mail = Tool(name="send_mail", args=extension.SendMail, run=extension.send_mail, effect=Effect.EXTERNAL)
    args = validated(mail, '{"to": "eve"}')
    caller = desk.reader()
    intents = [Intent(change="send_mail", names=names)]
    assert covers(intents, mail, args, await subject_of(args, caller), caller) is is_covered


async def test_no_more_new_rows_than_were_asked_for(desk: Desk) -> None:
    """Who asked for one task gets one; a second one waits."""
    bench = await only(await set_up(desk, Registry.build()), Intent(change="new_task", names=[], at_most=1))
    assert (await bench.call(bench.planner, asked("create_task", "one", title="One"))).success
    with pytest.raises(AwaitsPerson):
        await bench.call(bench.planner, asked("create_task", "two", title="Two"))


async def test_before_intents_are_taken_nothing_is_covered(desk: Desk) -> None:
    """A gateway that finds no intents of its run lets no write through."""
    bench = await only(await set_up(desk, Registry.build()))
    with pytest.raises(AwaitsPerson):
        await bench.call(bench.planner, asked("create_note", content="Hello"))


async def only(bench: Bench, *intents: Intent) -> Bench:
    """Return the bench in a run of its own that has just these intents, or none at all."""
    worker = await bench.office.begin()
    if intents:
        async with bench.office.working(worker) as scope:
            await stored.store(scope, UUID(str(worker.run_id)), as_json(intents))
    return Bench(bench.desk, bench.office, worker, bench.registry, bench.planner, bench.executor, bench.notebook)


def test_intents_are_stored_as_they_were_taken() -> None:
    """What comes back from the table is what went in."""
    intents = (Intent(change="time", names=["rent"], which=["overdue"], to="done", at_most=2),)
    assert from_json(json.dumps(as_json(intents))) == intents


def test_every_field_that_can_be_changed_has_a_kind() -> None:
    """A new field of an update tool is named in the tool's kinds; until then nobody can allow it."""
    fields = {kind.__name__: [*kind.model_fields] for kind in (TaskUpdates, ProjectUpdates, EventUpdates)}
    for tool in WRITE_TOOLS:
        updates = tool.args.model_fields.get("updates")
        named = fields[updates.annotation.__name__] if updates and updates.annotation else []
        assert tool.kinds, tool.name
        assert set(named) <= tool.kinds.keys(), tool.name


def test_a_model_chooses_among_the_kinds_that_there_are() -> None:
    """The question names every kind of change of the tools at hand, and an added tool by its name alone."""
    registry = Registry.build("tests.tools.extension:TOOLS")
    text = json.dumps(intents_schema(registry))
    assert all(f'"{kind}"' in text for kind in kinds_of_change(registry))
    assert '"send_mail"' in text
    assert "check_mail" not in text
    assert "Send a mail" not in text
    assert intents_schema(Registry.of([])) != intents_schema(registry)


def test_only_writes_have_kinds() -> None:
    """A tool that reads changes nothing."""
    assert all(not tool.kinds for tool in Registry.build().tools.values() if tool.access is Access.READ)
