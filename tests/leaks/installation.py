"""A server process on a database of its own, whose every secret and every text is a canary."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import Popen
from time import monotonic, sleep
from typing import Final
from uuid import UUID, uuid4

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from persistence.scope import DISPATCH, Role
from server.scopes import Scope
from server.tokens import issue_token
from tests.conftest import TEST_SECRET
from tests.greeting import address_of
from tests.leaks.leaky_tools import SAID_BY_CODE, SAID_BY_SQL
from tests.roomy import ROOMY_SETTINGS
from tests.scripted_model.demo import organise
from tests.scripted_model.replies import Reply, call, raw_body, status, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script
from tests.scripted_model.server import ScriptedModel
from tests.server.terminal.command_line import PATIENCE_SECONDS, CommandLine

MODEL_KEY: Final = "canary-of-the-model-key"
JWT_SECRET: Final = "canary-of-the-token-secret-with-32-characters"
SAID_BY_MODEL: Final = f"Incorrect key {MODEL_KEY} for postgresql://canary@db, canary-of-a-provider"
HEADER: Final = "canary-of-a-header"
IN_ORDER: Final = "Put my week in order"


def answer(request: ChatRequest) -> Reply:
    """Answer as the last message asks to be answered, with the key in every error; a tool's result is enough."""
    if IN_ORDER in request.all_text:
        return organise(request)
    asked = next((word for word in FAILURES if word in request.all_text), "")
    if request.last_role == "tool" or not asked:
        return text("Fine.")
    return FAILURES[asked]


FAILURES: Final = {
    "wrong key": status(401, message=SAID_BY_MODEL),
    "no money": status(402, message=SAID_BY_MODEL),
    "bad request": status(400, message=SAID_BY_MODEL),
    "no such model": status(404, message=SAID_BY_MODEL),
    "an error inside": raw_body({"error": {"message": SAID_BY_MODEL, "code": MODEL_KEY}}),
    "a page": raw_body(f"<html>{SAID_BY_MODEL}</html>".encode()),
    "crash inside": tools(call("crash_inside", {})),
    "misspell": tools(call("misspell_sql", {})),
    "a tool that is none": tools(call("no_such_tool", {})),
    "arguments that are none": tools(call("list_tasks", "{")),
}


@dataclass
class Installation:
    """The process, its database, who asks there, and everything that it said."""

    dsn: str
    server_dsn: str
    address: str
    process: Popen[str]
    model: ScriptedModel
    answers: list[bytes] = field(default_factory=list[bytes])

    def person(self) -> tuple[UUID, str]:
        """Sign somebody up; return who it is and their token."""
        with psycopg.connect(self.dsn, autocommit=True) as admin:
            row = admin.execute("select planwright.sign_up(%s, 'UTC')", (f"{uuid4().hex}@example.org",)).fetchone()
        assert row is not None
        return row[0], issue_token(JWT_SECRET, row[0], 1, Scope)

    @contextmanager
    def client(self, token: str) -> Generator[httpx.Client]:
        """Give a client whose every answer is kept, its headers too."""

        def keep(response: httpx.Response) -> None:
            body = response.read()
            self.answers.append(b"\n".join([*(b": ".join(pair) for pair in response.headers.raw), body]))

        with httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"response": [keep]},
            timeout=PATIENCE_SECONDS,
        ) as client:
            yield client

    @contextmanager
    def broken(self) -> Generator[None]:
        """Take a table away, so that statements fail as nobody foresaw."""
        with psycopg.connect(self.dsn, autocommit=True) as admin:
            admin.execute("alter table planwright.runs rename to canary_of_a_table")
            try:
                yield
            finally:
                admin.execute("alter table planwright.canary_of_a_table rename to runs")

    @contextmanager
    def cut_off(self) -> Generator[None]:
        """Hang up on the process, and let nobody connect."""
        name = str(conninfo_to_dict(self.dsn)["dbname"])
        with psycopg.connect(self.server_dsn, autocommit=True) as admin:
            admin.execute(SQL("alter database {} allow_connections false").format(Identifier(name)))
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            try:
                yield
            finally:
                admin.execute(SQL("alter database {} allow_connections true").format(Identifier(name)))

    def until_ready(self) -> None:
        """Wait until it takes messages."""
        give_up = monotonic() + PATIENCE_SECONDS
        with httpx.Client(base_url=self.address) as client:
            while not _is_ready(client):
                assert self.process.poll() is None, self.process.communicate()
                assert monotonic() < give_up, "it never got ready"
                sleep(0.05)

    def stopped(self, within_seconds: float = PATIENCE_SECONDS) -> str:
        """Stop the process; return everything that it said."""
        self.process.send_signal(signal.SIGTERM)
        return "".join(self.process.communicate(timeout=within_seconds))

    def stored(self) -> dict[str, list[str]]:
        """Return every row of every table as text, but the keys that are kept there on purpose."""
        with psycopg.connect(self.dsn, autocommit=True) as admin:
            names = admin.execute(
                "select schemaname, tablename from pg_tables"
                " where schemaname like 'planwright%' and tablename <> 'context_keys'"
            ).fetchall()
            return {
                table: [
                    row[0] for row in admin.execute(SQL("select t::text from {} t").format(Identifier(schema, table)))
                ]
                for schema, table in names
            }


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def secrets() -> list[str]:
    """Return what is nobody's to see: what was configured, and what derives from it."""
    derived = [TEST_SECRET.password(role) for role in (*Role, DISPATCH)]
    return [
        MODEL_KEY,
        JWT_SECRET,
        TEST_SECRET.root.decode(),
        TEST_SECRET.signing_key().hex(),
        TEST_SECRET.token_key(),
        *derived,
        SAID_BY_CODE,
        SAID_BY_SQL,
        "canary_of_a_table",
        "canary-of-a-provider",
        HEADER,
    ]


@contextmanager
def installation(server_dsn: str, folder: str, script: Script = answer, /, **settings: str) -> Generator[Installation]:
    """Start a server on a database of its own, whose model answers by a script, and end both."""
    name = f"planwright_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as admin, ScriptedModel(script, api_key=MODEL_KEY) as model:
        admin.execute(SQL("create database {}").format(Identifier(name)))
        dsn = make_conninfo(server_dsn, dbname=name)
        environment = {
            "PLANWRIGHT_DATABASE_URL": dsn,
            "PLANWRIGHT_DATA_DIR": folder,
            "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
            "PLANWRIGHT_JWT_SECRET": JWT_SECRET,
            "PLANWRIGHT_MODEL_BASE_URL": model.base_url,
            "PLANWRIGHT_MODEL_API_KEY": MODEL_KEY,
            "PLANWRIGHT_PLANNER_MODEL": "deep",
            "PLANWRIGHT_TOOLS": "tests.leaks.leaky_tools:TOOLS",
            "PLANWRIGHT_LIMIT_CALL_ATTEMPTS": "1",
            "OPENAI_LOG": "debug",
            **ROOMY_SETTINGS,
            **settings,
        }
        try:
            with CommandLine(environment).started("serve", "--port", "0") as process:
                here = Installation(dsn, server_dsn, address_of(process), process, model)
                here.until_ready()
                yield here
        finally:
            admin.execute(SQL("drop database {} with (force)").format(Identifier(name)))
