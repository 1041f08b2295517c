"""What a model can ask of tools: the rows of the catalogue's table “Tools” that cut across them.

What one tool makes of its own parameters stands with the tool, in `tests/tools`.
"""

import asyncio
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic
from typing import Final

import pytest
from pydantic import JsonValue

import tools as tools_room
from persistence.pools import Database
from server.tokens import issue_token
from tests.conftest import Person, new_person
from tests.hostile.house import TOKEN_KEY, House
from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import rules, when
from tests.server.reading import STREAM, signed_in_client
from tests.tools.bench import Bench, set_up
from tests.turns import plan, step, submit
from tests.workspace_rows import NEVER_USED, NOW, Desk
from tools.gateway import Asked
from tools.registry import Registry

REGISTRY: Final = Registry.build()
PATIENCE_SECONDS: Final = 10.0  # of a person who opens a list meanwhile, on a machine that is busy with other tests
ID: Final = str(NEVER_USED)


@pytest.fixture
async def bench(database: Database, person: Person) -> Bench:
    """Give a run whose planner holds every tool."""
    return await set_up(Desk(database, person), REGISTRY)


BAD_DATES: Final = [
    "03/04/2027", "32.13.2027", "2027-02-30", "2027-13-01", "infinity", "-infinity", "today", "next week", "now",
    "20000-01-01", "20000-01-01T10:00", "0044-03-15 BC", "-0044-03-15", "0000-01-01", "9999-12-31T23:59:59+14:00",
    "2027-W12-1", "2027-086", "1803686400", "2027-03-28T25:00", "2027-03-28T10:00 Mars/Base", "\x00", "", " ",
    "٢٠٢٧-٠٣-٢٨", "2027-03-28T10:00:00+99:99", "epoch", "allballs",
]  # fmt: skip
DATED: Final = [
    ("create_task", "start_date"),
    ("update_task", "updates.start_date"),
    ("update_project", "updates.end_date"),
    ("schedule_task", "start_time"),
    ("update_calendar_event", "updates.start_time"),
    ("update_calendar_event", "updates.end_time"),
    ("update_or_schedule_task", "start_time"),
    ("update_or_schedule_task", "recurrence_ends"),
    ("get_calendar_events", "time_min"),
    ("find_available_slots", "time_min"),
]


async def sound_arguments(desk: Desk) -> dict[str, dict[str, JsonValue]]:
    """Return arguments with which each tool that takes a date does what it is asked, and the rows they need."""
    task, planned = str(await desk.add_task()), await desk.add_task("Planned", start_date=NOW)
    event, project = str(await desk.add_event(planned, NOW)), str(await desk.add_project())
    when_to: dict[str, JsonValue] = {"start_time": "2027-03-28T10:00"}
    return {
        "create_task": {"title": "T"},
        "update_task": {"task_id": task},
        "update_project": {"project_id": project},
        "schedule_task": {"task_id": task, **when_to},
        "update_calendar_event": {"event_id": event},
        "update_or_schedule_task": {"task_id": str(planned), "recurrence_pattern": "daily", **when_to},
        "get_calendar_events": {},
        "find_available_slots": {"time_min": "2027-03-28", "time_max": "2027-03-29"},
    }


def with_date(arguments: dict[str, JsonValue], place: str, date: str) -> str:
    """Return the arguments with a date where the tool takes one."""
    outer, _, inner = place.partition(".")
    return json.dumps({**arguments, outer: {inner: date} if inner else date})


async def test_a_date_that_is_none_is_never_stored(bench: Bench) -> None:
    """Whatever is no ISO date of our calendar is refused by every tool that takes a date, and nothing is written."""
    arguments = await sound_arguments(bench.desk)
    before = await bench.workspace()
    codes: dict[tuple[str, str, str], str | None] = {}
    for tool, place in DATED:
        for date in BAD_DATES:
            raw = with_date(arguments[tool], place, date)
            call_of_it = Asked(f"{tool}:{place}:{date!r}", tool, raw)
            codes[tool, place, date] = (await bench.gateway(budget=1_000).call(bench.planner, call_of_it)).code
    assert {key: code for key, code in codes.items() if code not in {"invalid_arguments", "invalid_time"}} == {}
    assert await bench.workspace() == before
    sound = [with_date(arguments[tool], place, "2027-03-28") for tool, place in DATED]
    calls = [Asked(f"sound:{n}", tool, raw) for n, ((tool, _), raw) in enumerate(zip(DATED, sound, strict=True))]
    answers = [await bench.gateway(budget=1_000).call(bench.planner, each) for each in calls]
    assert sum(answer.success for answer in answers) >= len(DATED) / 2, "it is the date that they refuse"


NONE_FOUND: Final = ["%", "_", "\\", "100%", "a\\", "(a+)+$", r"\1", ".*", "[", "'; drop table notes; --", "and", "the"]
SEARCHES: Final = ["search_projects", "search_notes", "search_brain_dumps"]


@pytest.mark.parametrize("tool", SEARCHES)
async def test_a_query_means_its_letters_and_no_pattern(bench: Bench, tool: str) -> None:
    """Signs of patterns, of regular expressions and of SQL find the texts that hold them, and nothing else."""
    await bench.desk.add("notes", content="Water plants")
    await bench.desk.add("brain_dumps", content="Water plants")
    await bench.desk.add_project("Water plants")
    found = await bench.call(bench.planner, Asked(tool, tool, '{"query": "WATER pl"}'))
    assert not found.message.startswith("No ")
    for query in NONE_FOUND:
        answer = await bench.call(bench.planner, Asked(f"{tool}:{query}", tool, json.dumps({"query": query})))
        assert (answer.success, answer.message[:3]) == (True, "No "), query


@pytest.mark.parametrize("tool", SEARCHES)
@pytest.mark.parametrize(
    "query", [pytest.param("word " * 10_000, id="10,000 words"), pytest.param("x" * 1_000_000, id="a megabyte")]
)
async def test_a_query_without_end_is_refused(bench: Bench, tool: str, query: str) -> None:
    """A document is no query: the tool says so, and the database is not asked."""
    answer = await bench.call(bench.planner, Asked("k", tool, json.dumps({"query": query})))
    assert answer.code == "invalid_arguments"


BY_ID: Final[list[tuple[str, str, str, dict[str, JsonValue]]]] = [
    ("get_task_details", "task_id", "task", {}),
    ("get_project_details", "project_id", "project", {}),
    ("get_note_details", "note_id", "note", {}),
    ("get_brain_dump_details", "brain_dump_id", "brain_dump", {}),
    ("get_task_calendar_events", "task_id", "task", {}),
    ("check_task_has_calendar_event", "task_id", "task", {}),
    ("update_task", "task_id", "task", {"updates": {"title": "Mine"}}),
    ("update_project", "project_id", "project", {"updates": {"name": "Mine"}}),
    ("schedule_task", "task_id", "task", {"start_time": "2026-12-01T10:00"}),
    ("update_or_schedule_task", "task_id", "task", {"start_time": "2026-12-01T10:00"}),
    ("create_task", "project_id", "project", {"title": "T"}),
    ("create_task", "parent_task_id", "task", {"title": "T"}),
    ("create_note", "project_id", "project", {"content": "N"}),
    ("create_brain_dump", "project_id", "project", {"content": "N"}),
    ("update_calendar_event", "event_id", "event", {"updates": {"summary": "Mine"}}),
]  # fmt: skip


async def test_what_is_someone_elses_is_not_there_for_any_tool(
    bench: Bench, database: Database, stranger: Person
) -> None:
    """For every tool that takes an id, another's row is answered in the very words of one that does not exist."""
    strangers = Desk(database, stranger)
    task = await strangers.add_task()
    theirs = {
        "task": task,
        "project": await strangers.add_project(),
        "note": await strangers.add("notes", content="canary"),
        "brain_dump": await strangers.add("brain_dumps", content="canary"),
        "event": await strangers.add_event(task, NOW),
    }
    before = await bench.workspace()
    for tool, parameter, kind, more in BY_ID:
        told: list[str] = []
        for row_id in (str(theirs[kind]), ID):
            raw = json.dumps({parameter: row_id, **more})
            answer = await bench.call(bench.planner, Asked(f"{tool}:{parameter}:{row_id}", tool, raw))
            assert answer.code == "not_found", (tool, answer)
            told.append(json.dumps(answer.as_json()).replace(row_id, "…"))
        assert told[0] == told[1], tool
    assert await bench.workspace() == before


async def test_many_reads_at_once_keep_nobody_waiting(house: House, database: Database) -> None:
    """Four executors that each read 24 lists in two breaths leave the door open: sessions are listed meanwhile."""
    reading = [tools(*(call("list_tasks", {"limit": 12 * turn + n}) for n in range(1, 13))) for turn in range(2)]

    def script(request: ChatRequest) -> Reply:
        said = sum(message["role"] == "assistant" for message in request.messages)
        if "submit_result" in request.offered:
            return reading[said] if said < len(reading) else submit()
        return rest(request)

    rest = rules(when(plan(*map(step, range(1, 5))), offers="create_plan"), when(text("All are read.")))
    person = await new_person(database)
    playing = asyncio.create_task(house.play(script, person=person))
    waits: list[float] = []
    async with signed_in_client(house.address, issue_token(TOKEN_KEY, person.id, 1)) as client:
        while not playing.done():
            began = monotonic()
            assert (await client.get(STREAM)).is_success
            waits.append(monotonic() - began)
            await asyncio.sleep(0)
    played = await playing
    assert not played.complaints
    assert [
        event["tool_result"]["success"] for event in played.all("tool_result") if isinstance(event["tool_result"], dict)
    ] == [True] * 96
    assert max(waits) < PATIENCE_SECONDS


def modules() -> Iterator[str]:
    """Give the name of every module of the tools."""
    yield tools_room.__name__
    yield from (found.name for found in pkgutil.walk_packages(tools_room.__path__, f"{tools_room.__name__}."))


def test_no_tool_of_ours_fetches_anything() -> None:
    """No module of the tools imports a client of HTTP, so no address that a model writes is ever asked."""
    names = list(modules())
    program = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "clients = {'httpx', 'requests', 'aiohttp', 'urllib3', 'urllib.request', 'http.client', 'ftplib', 'smtplib'}\n"
        "ours = [name for name in sys.modules if name.split('.')[0] == 'tools']\n"
        "reach = {value.__name__ for name in ours for value in vars(sys.modules[name]).values()"
        " if type(value).__name__ == 'module'}\n"
        "print(len(ours), sorted(reach & clients), sorted(clients & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, reached, loaded = ran.stdout.strip().split(" ", 2)[0], *ran.stdout.strip().split(" ", 2)[1:]
    assert int(count) >= len(names)
    assert (reached, "httpx" in loaded) == ("[]", False)
    parameters = json.dumps(REGISTRY.schemas(REGISTRY.names()))
    assert '"url"' not in parameters
    assert '"path"' not in parameters
