"""Whose things a request reaches: every operation that the API describes, with every kind of id, as other users."""

import itertools
import json
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from persistence.pools import Database
from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.runs.events import KeyedEvent
from server.app import HttpServer
from server.tokens import issue_token
from tests.conftest import Person
from tests.persistence.canaries import rows_of, tables_of_people
from tests.run_rows import Office, run_of
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import refusal, signed_in_client
from tests.workspace_rows import Desk

OPEN: Final = {"/health/live", "/health/ready", "/api/agent/events.schema.json", "/sign-in"}
NO_LISTS: Final = {"/api/agent/examples", "/api/agent/settings", "/api/agent/doctor"}
SIGNING_IN: Final = "/api/auth/session"  # reads a body only of whoever sends no token
BODIES: Final[dict[str, dict[str, Any]]] = {
    "Ask": {"message": "Hello"},
    "SessionChange": {"title": "Mine now"},
    "Decision": {"digest": "0" * 64, "decision": "approve"},
    "Code": {"code": "none"},
    "NewToken": {"name": "Mine"},
    "Fork": {"writes": "dry"},
}
OTHERS_SESSIONS: Final = 1000


@dataclass(frozen=True)
class Operation:
    """One method of one path; where it takes ids, and of which schema its body is."""

    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    body: str | None
    fields: tuple[str, ...]

    @property
    def in_body(self) -> tuple[str, ...]:
        """Return the ids that its body may have."""
        return tuple(name for name in self.fields if name.endswith("_id"))

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the name of every id that it takes."""
        return (*self.in_path, *self.in_query, *self.in_body)

    def request(self, client: httpx.AsyncClient, ids: dict[str, str], **fields: object) -> httpx.Request:
        """Return the request with these ids; those in its path are random unless named."""
        path = self.path.format(**{name: ids.get(name, str(uuid4())) for name in self.in_path})
        query = {name: ids[name] for name in self.in_query if name in ids}
        body = None
        if self.body is not None:
            body = {**BODIES[self.body], **{name: ids[name] for name in self.in_body if name in ids}, **fields}
        return client.build_request(self.method, path, params=query, json=body)


def operations(schema: dict[str, Any]) -> Iterator[Operation]:
    """Yield what the API says that it can do."""
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            taken = [(one["in"], one["name"]) for one in said.get("parameters", []) if one["name"].endswith("_id")]
            content = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            body = content["$ref"].rpartition("/")[2] if content else None
            fields = schema["components"]["schemas"][body]["properties"] if body else ()
            yield Operation(
                method.upper(),
                path,
                tuple(name for place, name in taken if place == "path"),
                tuple(name for place, name in taken if place == "query"),
                body,
                tuple(fields),
            )


@pytest.fixture
def described(http_server: HttpServer) -> list[Operation]:
    """Give every operation of the API."""
    return list(operations(http_server.api.openapi()))


@dataclass(frozen=True)
class Owned:
    """Somebody's things, one of every kind."""

    person: Person
    ids: dict[str, list[str]]


@pytest.fixture
async def owned(database: Database, person: Person) -> Owned:
    """Give a person with a run that ended, one that waits for a decision, and one of everything in the workspace."""
    office, desk = Office(database, person), Desk(database, person)
    done, waiting = await office.begin(), await office.begin()
    await office.append(done, [KeyedEvent("end", "done", "{}")])
    await office.finish(done)
    async with office.working(waiting) as scope:
        approval = "insert into approvals (run_id, position, digest, expires_at) values (%s, 1, %s, now() + '1 day')"
        await scope.execute(approval, (run_of(waiting), "0" * 64))
        await scope.execute("update runs set status = 'waiting' where id = %s", (run_of(waiting),))
    runs = [await office.row(run_of(worker)) for worker in (done, waiting)]
    project, task = await desk.add_project(), await desk.add_task()
    note, dump = [await desk.add(table, content="What I thought") for table in ("notes", "brain_dumps")]
    event = await desk.add_event(task, datetime.now(UTC))
    async with office.asking() as scope:
        token = await credentials.add(scope, Kind.TOKEN, secrets.token_bytes(32), ["read"], timedelta(days=1), "laptop")
    return Owned(
        person,
        {
            "run_id": [str(run.id) for run in runs],
            "other_id": [str(run.id) for run in runs],
            "session_id": [str(run.session_id) for run in runs],
            "entity_id": [str(project), str(task)],
            "project_id": [str(project)],
            "task_id": [str(task)],
            "note_id": [str(note)],
            "brain_dump_id": [str(dump)],
            "event_id": [str(event)],
            "token_id": [str(token)],
        },
    )


@pytest.fixture
async def others(
    address: str, admin_dsn: str, owned: Owned, stranger: Person
) -> AsyncGenerator[list[httpx.AsyncClient]]:
    """Give two others who are signed in; the second one's id differs from the owner's in its last digit."""
    neighbour = UUID(int=owned.person.id.int ^ 1)
    with psycopg.connect(admin_dsn) as admin:
        admin.execute("insert into planwright.users (id, email) values (%s, %s)", (neighbour, f"{neighbour}@x.org"))
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(signed_in_client(address, issue_token(TOKEN_KEY, user_id, 1)))
            for user_id in (stranger.id, neighbour)
        ]


def seen(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """Return all that a client can tell one answer from another by."""
    return answer.status_code, answer.content, {name: text for name, text in answer.headers.items() if name != "date"}


def about(name: str) -> list[dict[str, object]]:
    """Return what a request needs beside an id, so that the id is looked at."""
    return [{"context_type": "project"}, {"context_type": "task"}] if name == "entity_id" else [{}]


@pytest.mark.figure
async def test_what_is_not_yours_is_not_there(
    described: list[Operation],
    owned: Owned,
    others: list[httpx.AsyncClient],
    admin_dsn: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Any operation with any of another's ids answers as for a random one, byte for byte, and changes nothing."""
    requests = [
        (client, operation, name, given, fields)
        for client in others
        for operation in described
        for name in operation.ids
        for given in itertools.chain(*owned.ids.values())
        for fields in about(name)
    ]
    told: list[tuple[str, str, str]] = []
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        before = rows_of(admin, owned.person.id)
        for client, operation, name, given, fields in requests:
            theirs = seen(await client.send(operation.request(client, {name: given}, **fields)))
            nobodys = seen(await client.send(operation.request(client, {name: str(uuid4())}, **fields)))
            if theirs != nobodys or theirs[0] != 404:
                told.append((operation.method, operation.path, name))
        assert rows_of(admin, owned.person.id) == before
    with capsys.disabled():
        print(f"requests with another's ids: {len(requests)} to {len(described)} operations, told apart {len(told)}")
    assert told == []
    assert len(requests) >= 100


async def test_lists_hold_your_own(
    described: list[Operation], owned: Owned, others: list[httpx.AsyncClient], address: str, admin_dsn: str
) -> None:
    """Whoever has nothing gets empty lists, however much others have; the owner's stay as they are."""
    mine = ("/api/agent/", "/api/workspace/", "/api/auth/tokens")
    lists = [operation for operation in described if operation.method == "GET" and not operation.in_path]
    lists = [
        operation for operation in lists if operation.path.startswith(mine) and operation.path not in OPEN | NO_LISTS
    ]
    crowd = uuid4()
    async with signed_in_client(address, issue_token(TOKEN_KEY, owned.person.id, 1)) as owner:
        clients = [*others, owner]
        before = [seen(await client.send(one.request(client, {}))) for client in clients for one in lists]
        with psycopg.connect(admin_dsn) as admin:
            admin.execute("insert into planwright.users (id, email) values (%s, %s)", (crowd, f"{crowd}@example.org"))
            session = "insert into planwright.chat_sessions (user_id, title) select %s, 'x' from generate_series(1, %s)"
            admin.execute(session, (crowd, OTHERS_SESSIONS))
        assert [seen(await client.send(one.request(client, {}))) for client in clients for one in lists] == before
    empty = [json.loads(body) for _, body, _ in before[: len(lists) * len(others)]]
    assert all(not value for answer in empty for value in answer.values())
    assert len(lists) >= 8


SPELT_OTHERWISE: Final = {(422, "invalid_id"), (422, "illegal_character"), (404, "not_found")}
MALFORMED: Final[dict[str, Callable[[str], str]]] = {
    "in capitals": str.upper,
    "in braces": "{{{}}}".format,
    "as a URN": "urn:uuid:{}".format,
    "without hyphens": lambda given: given.replace("-", ""),
    "a blank before": " {}".format,
    "a blank behind": "{} ".format,
    "a line behind": "{}\n".format,
    "a NUL behind": "{}\x00".format,
    "quoted": '"{}"'.format,
    "in a list": '["{}"]'.format,
    "two": "{0},{0}".format,
    "with SQL": "{}' or '1'='1".format,
    "with wide digits": lambda given: given.translate({ord("0") + n: 0xFF10 + n for n in range(10)}),
    "long": lambda given: given * 280,
    "a number": lambda _: "1",
    "a word": lambda _: "null",
}


@pytest.mark.parametrize("form", MALFORMED)
async def test_an_id_has_one_spelling(
    described: list[Operation], owned: Owned, client: httpx.AsyncClient, form: str
) -> None:
    """The owner's own ids, spelt in any other way, are refused by every operation, and not repeated."""
    for operation in described:
        for name in operation.ids:
            given = MALFORMED[form](owned.ids[name][0])
            quoted = quote(given, safe="")
            request = operation.request(client, {name: quoted if name in operation.in_path else given})
            answer = await client.send(request)
            assert refusal(answer) in SPELT_OTHERWISE, (operation, name)
            assert given not in answer.text


async def test_ids_that_are_not_texts_are_refused(described: list[Operation], client: httpx.AsyncClient) -> None:
    """A list, an object, a number or a truth value is no id."""
    for operation in described:
        for name in operation.in_body:
            for given in ([str(uuid4())], {"id": str(uuid4())}, 1, True):
                answer = await client.send(operation.request(client, {}, **{name: given}))
                assert refusal(answer) == (422, "invalid_id")


async def test_nobody_gets_anywhere_without_a_token(described: list[Operation], address: str) -> None:
    """Every operation but the three open ones answers 401 before it looks at anything."""
    async with httpx.AsyncClient(base_url=address) as nobody:
        for operation in described:
            answer = await nobody.send(operation.request(nobody, {}))
            assert (answer.status_code == 401) is (operation.path not in OPEN), operation


@pytest.mark.figure
async def test_nobody_sets_what_is_not_asked_for(
    described: list[Operation], client: httpx.AsyncClient, admin_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No column of any table can be sent along with a body that does not have it: 422, whatever the column."""
    with psycopg.connect(admin_dsn) as admin:
        columns = {column for table in tables_of_people(admin).values() for column, _ in table}
    tried = 0
    for operation in described:
        if operation.body is not None and operation.path != SIGNING_IN:
            for column in sorted(columns.difference(operation.fields)):
                answer = await client.send(operation.request(client, {}, **{column: "x"}))
                assert refusal(answer) == (422, "unknown_field"), (operation, column)
                tried += 1
    with capsys.disabled():
        print(f"columns sent along with a body: {tried}, taken 0")
    assert tried > 200
