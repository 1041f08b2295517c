"""`/api/agent/runs` over HTTP."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import httpx
import psycopg
import pytest

from persistence.pools import Database
from server.prices import PRICES
from tests.conftest import Person
from tests.server.reading import ended, refusal, send, started, streamed
from tests.server.scripted_turns import ScriptedTurns

HERE = "/api/agent/runs"


async def test_runs_are_listed_newest_first(client: httpx.AsyncClient, strangers_client: httpx.AsyncClient) -> None:
    """The list holds one's own runs, the newest first."""
    first, second = await send(client, "One"), await send(client, "Two")
    await send(strangers_client)
    listed = (await client.get(HERE)).json()["runs"]
    assert [(run["id"], run["request"], run["status"]) for run in listed] == [
        (second.run_id, "Two", "done"),
        (first.run_id, "One", "done"),
    ]


async def test_a_trace_holds_everything(client: httpx.AsyncClient) -> None:
    """A run's trace has the run and every table's rows of it."""
    answer = await send(client)
    trace = (await client.get(f"{HERE}/{answer.run_id}")).json()
    assert set(trace) == {
        "run",
        "plan",
        "agents",
        "conversations",
        "executions",
        "tool_calls",
        "write_intents",
        "approvals",
        "model_calls",
        "undos",
    }
    assert (trace["run"]["id"], trace["run"]["status"], trace["run"]["last_seq"]) == (answer.run_id, "done", 4)


async def test_a_stream_is_resumed_from_any_event(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """From every event of a finished run, by header or by query, the rest is byte for byte the rest."""
    script.after = [f"word {n} " for n in range(40)]
    answer = await send(client)
    frames = answer.body.split(b"\n\n")[:-1]
    for seq in range(len(frames) + 1):
        rest = b"".join(frame + b"\n\n" for frame in frames[seq:])
        by_header = await client.get(f"{HERE}/{answer.run_id}/events", headers={"Last-Event-ID": str(seq)})
        by_query = await client.get(f"{HERE}/{answer.run_id}/events", params={"after": seq})
        assert by_header.content == by_query.content == rest


async def test_a_stream_is_joined_while_the_run_goes_on(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """A reader that comes in the middle gets what was, and then what comes."""
    script.go_on.clear()
    run_id, _ = await started(client)
    await script.at_the_gate.wait()
    joins = [asyncio.create_task(client.get(f"{HERE}/{run_id}/events", params={"after": seq})) for seq in (0, 1, 2)]
    script.go_on.set()
    bodies = [(await join).content for join in joins]
    whole = await client.get(f"{HERE}/{run_id}/events")
    assert streamed(whole).types == ["session", "text", "text", "done"]
    assert all(whole.content.endswith(body) for body in bodies)
    assert [body.count(b"data: ") for body in bodies] == [4, 3, 2]


@pytest.mark.parametrize("cursor", ["5", "-1", "1.5", "1e9", "abc", "9" * 10_000, "1 2"])
async def test_a_cursor_that_is_none_is_refused_before_the_stream(client: httpx.AsyncClient, cursor: str) -> None:
    """A cursor behind the last event, or no number, is 400 and not a stream."""
    answer = await send(client)
    by_header = await client.get(f"{HERE}/{answer.run_id}/events", headers={"Last-Event-ID": cursor})
    by_query = await client.get(f"{HERE}/{answer.run_id}/events", params={"after": cursor})
    assert [refusal(by_header), refusal(by_query)] == [(400, "bad_cursor")] * 2


async def test_a_run_is_stopped(client: httpx.AsyncClient, script: ScriptedTurns) -> None:
    """Cancelling answers when the run has ended, keeps what was said, and is refused the second time."""
    script.go_on.clear()
    run_id, session_id = await started(client)
    await script.at_the_gate.wait()
    response = await client.post(f"{HERE}/{run_id}/cancel")
    log = streamed(await client.get(f"{HERE}/{run_id}/events"))
    assert (response.status_code, response.json()["run"]["status"]) == (202, "cancelled")
    assert log.types == ["session", "text", "done"]
    assert log.events[-1]["finished_reason"] == "cancelled"
    assert refusal(await client.post(f"{HERE}/{run_id}/cancel")) == (409, "run_finished")
    script.go_on.set()
    assert (await send(client, "again", session_id=session_id)).types[-1] == "done"


async def test_someone_elses_run_is_not_there(
    client: httpx.AsyncClient, strangers_client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """Every question about someone else's run gets the bytes that a missing run gets, valid cursor or not."""
    answer = await send(client)
    headers = {"Last-Event-ID": "2"}
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        foreign = await strangers_client.request(method, f"{HERE}/{answer.run_id}{path}", headers=headers)
        missing = await strangers_client.request(method, f"{HERE}/{uuid4()}{path}", headers=headers)
        assert refusal(foreign) == (404, "not_found")
        assert foreign.content == missing.content
        assert set(foreign.headers) == set(missing.headers)
    assert (await ended(database, person, answer.run_id)).status == "done"


@pytest.mark.parametrize("path", ["", "/events", "/cancel"])
async def test_only_an_id_names_a_run(client: httpx.AsyncClient, path: str) -> None:
    """Anything but an id in the path is 422."""
    method = "POST" if path == "/cancel" else "GET"
    assert refusal(await client.request(method, f"{HERE}/abc{path}")) == (422, "invalid_id")


Query = dict[str, str | int | list[str]]


async def ids_of(client: httpx.AsyncClient, path: str = HERE, **query: str | int | list[str]) -> list[str]:
    """Return the ids of a list of runs, all its pages in turn."""
    ids: list[str] = []
    asked: Query = dict(query)
    while True:
        page = (await client.get(path, params=asked)).raise_for_status().json()
        ids += [run["id"] for run in page["runs"]]
        if page["next"] is None:
            return ids
        asked["after"] = page["next"]


async def test_a_list_is_read_in_pages(client: httpx.AsyncClient, strangers_client: httpx.AsyncClient) -> None:
    """All pages together hold one's own runs once, newest first, whatever their size; of one session too."""
    sent = [await send(client, f"Question {n}") for n in range(3)]
    sent += [await send(client, "And then?", session_id=sent[0].session_id) for _ in range(2)]
    await send(strangers_client)
    newest_first = [answer.run_id for answer in reversed(sent)]
    of_first = [answer.run_id for answer in reversed(sent) if answer.session_id == sent[0].session_id]
    for limit in (1, 2, 5, 100):
        assert await ids_of(client, limit=limit) == newest_first
        assert await ids_of(client, limit=limit, session_id=sent[0].session_id) == of_first
        assert await ids_of(client, f"/api/agent/sessions/{sent[0].session_id}/runs", limit=limit) == of_first


async def test_a_list_holds_what_is_looked_for(client: httpx.AsyncClient) -> None:
    """By their status, their strategy, their time and a text in their request, one or several at once."""
    first, second = await send(client, "50% of it"), await send(client, "all of it")
    between = (await client.get(HERE)).json()["runs"][0]["created_at"]
    assert await ids_of(client, search="%") == [first.run_id]
    assert await ids_of(client, search="OF IT", limit=1) == [second.run_id, first.run_id]
    assert await ids_of(client, status=["done", "error"]) == [second.run_id, first.run_id]
    assert await ids_of(client, status="queued") == await ids_of(client, strategy=["simple", "complex"]) == []
    assert await ids_of(client, since=between) == [second.run_id]
    assert await ids_of(client, until=between) == [first.run_id]
    assert await ids_of(client, until=between, search="all") == []


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ({"limit": 0}, (422, "invalid_field")),
        ({"limit": 101}, (422, "invalid_field")),
        ({"limit": "many"}, (422, "invalid_field")),
        ({"after": "x"}, (400, "bad_page")),
        ({"after": "5"}, (400, "bad_page")),
        ({"search": "a" * 201}, (422, "invalid_field")),
        ({"search": "a\0"}, (422, "illegal_character")),
        ({"status": "finished"}, (422, "invalid_field")),
        ({"status": ["done", "DONE"]}, (422, "invalid_field")),
        ({"strategy": "none"}, (422, "invalid_field")),
        ({"since": "yesterday"}, (422, "invalid_field")),
        ({"since": "2026-11-27T10:00:00"}, (422, "invalid_field")),
        ({"session_id": "x"}, (422, "invalid_id")),
        ({"session_id": str(uuid4())}, (404, "not_found")),
    ],
)
async def test_what_cannot_be_looked_for_is_refused(
    client: httpx.AsyncClient, query: Query, refused: tuple[int, str]
) -> None:
    """A value that is none of a parameter's is refused with its code."""
    assert refusal(await client.get(HERE, params=query)) == refused


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "1e9", "-62e9"])
async def test_no_time_is_too_early_or_too_late(client: httpx.AsyncClient, moment: str) -> None:
    """The ends of the calendar are times like others: whatever they are compared with, nothing fails inside."""
    await send(client)
    for name in ("since", "until"):
        answer = await client.get(HERE, params={name: moment})
        assert answer.status_code in {200, 422}, answer.text


@pytest.mark.figure
async def test_every_number_of_a_row_is_a_sum(client: httpx.AsyncClient, admin_dsn: str) -> None:
    """Tokens, steps, duration and cost of a run in the list are what SQL adds up from the tables."""
    calls = [("deepseek-v4-pro", 4971, 287, 1024), ("deepseek-v4-flash", 1333, 41, 0), ("deepseek-v4-pro", 7, 1, 7)]
    run_id = (await send(client)).run_id
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for call in calls:
            admin.execute(
                """
                insert into planwright.model_usage (user_id, run_id, purpose, model, reserved_tokens, prompt_tokens,
                    completion_tokens, cached_tokens, outcome, settled_at)
                select user_id, id, 'decide', %s, 9000, %s, %s, %s, 'answered', now() from planwright.runs where id = %s
                """,
                (*call, run_id),
            )
        names = list(PRICES.per_million_tokens)
        prices = list(PRICES.per_million_tokens.values())
        summed = admin.execute(
            """
            select sum((u.prompt_tokens - u.cached_tokens) * p.prompt + u.cached_tokens * p.cached
                    + u.completion_tokens * p.completion) / 1000000,
                round(extract(epoch from r.finished_at - r.created_at) * 1000)::integer
            from planwright.model_usage u join planwright.runs r on r.id = u.run_id
            join unnest(%s::text[], %s::numeric[], %s::numeric[], %s::numeric[])
                as p (model, prompt, cached, completion) on p.model = u.model
            where u.run_id = %s group by r.id
            """,
            (
                names,
                *([getattr(price, kind) for price in prices] for kind in ("prompt", "cached", "completion")),
                run_id,
            ),
        ).fetchone()
    assert summed is not None
    row = (await client.get(HERE)).json()["runs"][0]
    trace = (await client.get(f"{HERE}/{run_id}")).json()
    assert Decimal(row["cost"]["amount"]) == summed[0]
    assert row["duration_ms"] == summed[1]
    assert (row["cost"]["currency"], row["cost"]["as_of"]) == ("USD", PRICES.as_of.isoformat())
    assert trace["run"] == row
    assert sum(Decimal(call["cost"]["amount"]) for call in trace["model_calls"]) == summed[0]
    print(f"cost of a run: {row['cost']['amount']} USD in the list, in its trace and by SQL")


async def test_a_row_says_what_is_not_known(client: httpx.AsyncClient, script: ScriptedTurns, admin_dsn: str) -> None:
    """A run at work has no duration, one without a plan no steps, and an unknown model makes the cost unknown."""
    script.go_on.clear()
    run_id, _ = await started(client)
    await script.at_the_gate.wait()
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(
            """
            insert into planwright.model_usage (user_id, run_id, purpose, model, reserved_tokens, prompt_tokens,
                completion_tokens, cached_tokens, outcome, settled_at)
            select user_id, id, 'decide', 'somebody-elses', 9000, 1, 0, 0, 'answered', now()
            from planwright.runs where id = %s
            """,
            (run_id,),
        )
    row = (await client.get(HERE)).json()["runs"][0]
    assert (row["steps_done"], row["steps_total"], row["duration_ms"], row["cost"]["amount"]) == (0, 0, None, None)
