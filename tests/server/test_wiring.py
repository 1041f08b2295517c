"""The composition root."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from persistence.embedded import EmbeddedServer
from server.accept import accept
from server.bodies import Ask
from server.settings import Settings
from server.tail import tail
from server.tokens import Rules
from server.wiring import Work, connected, installation_secret, local_user, opened, sign_in_of, token_key
from tests.conftest import TEST_SECRET, Person
from tests.server.reading import ended, run_of

PATIENCE_SECONDS: Final = 10.0
VENDORS = {"langchain_openai", "openai", "tiktoken", "numpy"}
SLOW = {  # to import, and whose import each
    "server.app": VENDORS | {"langgraph", "langchain_core", "langsmith", "requests"},
    "server.engine": VENDORS | {"fastapi", "starlette", "uvicorn"},
}


@pytest.fixture
def settings(admin_dsn: str, tmp_path: Path) -> Settings:
    """Give settings that name the suite's database."""
    return Settings(database_url=SecretStr(admin_dsn), secret=SecretStr(TEST_SECRET.root.decode()), data_dir=tmp_path)


async def test_one_call_opens_a_program_that_answers(settings: Settings) -> None:
    """Opened in this process, without HTTP, a message runs through the real graph to its end."""
    async with opened(settings) as planwright:
        user_id = await local_user(planwright.database, "Europe/Berlin")
        accepted = await accept(planwright.database, user_id, Ask(message="Hello"), queue=planwright.queue)
        events = [event async for event in tail(planwright.database, user_id, accepted.run.id, 0, planwright.hub)]
    types = [getattr(event, "type", "heartbeat") for event in events]
    assert (types[0], types[-1]) == ("session", "done")
    assert "text" in types


async def test_a_program_works_on_what_it_is_told_to(settings: Settings, person: Person) -> None:
    """A command that runs one request leaves other runs alone; a worker takes up whatever there is."""
    async with connected(settings) as database:
        left = (await accept(database, person.id, Ask(message="Hello"))).run
        async with opened(settings) as beside:
            own = (await accept(database, person.id, Ask(message="Hello"), queue=beside.queue)).run
            assert (await ended(database, person, str(own.id))).status == "done"
            row = await run_of(database, person, str(left.id))
            assert row is not None
            assert row.status == "queued"
        async with opened(settings, work=Work.SHARED):
            assert (await ended(database, person, str(left.id))).status == "done"


@pytest.fixture
def data_dir() -> Generator[Path]:
    """Give a place for a database of our own that its user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-wiring-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


async def test_the_loop_is_free_while_our_own_server_stops(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    """Whoever shares the loop goes on: a notebook, LangGraph's development server, which takes a wait for an error."""
    loop, close, answered = asyncio.get_running_loop(), EmbeddedServer.close, list[str]()

    async def answer() -> str:
        return "here"

    def ask_and_close(server: EmbeddedServer) -> None:
        answered.append(asyncio.run_coroutine_threadsafe(answer(), loop).result(PATIENCE_SECONDS))
        close(server)

    monkeypatch.setattr(EmbeddedServer, "close", ask_and_close)
    async with connected(Settings(data_dir=data_dir)):
        assert (data_dir / "cluster" / "postmaster.pid").exists()
    assert answered == ["here"]
    assert not (data_dir / "cluster" / "postmaster.pid").exists()


async def test_this_machines_user_is_made_once(settings: Settings) -> None:
    """The local user is the same at every start."""
    async with connected(settings) as database:
        assert await local_user(database, "UTC") == await local_user(database, "Europe/Berlin")


def test_the_key_of_tokens_is_given_or_derived(settings: Settings, tmp_path: Path) -> None:
    """A key that is set is used; without one it follows from the secret, and stays the same with it."""
    given = settings.model_copy(update={"jwt_secret": SecretStr("k" * 32)})
    kept = Settings(data_dir=tmp_path)
    assert token_key(given) == "k" * 32
    assert token_key(settings) == TEST_SECRET.token_key()
    assert token_key(kept) == token_key(kept) == installation_secret(kept).token_key()
    assert token_key(kept) != token_key(settings)


def test_an_issuers_tokens_are_taken_by_its_rules(settings: Settings) -> None:
    """What the operator set about an issuer is what tokens are held against."""
    named = {
        "jwt_jwks": "https://issuer.example/keys",
        "jwt_issuer": "https://issuer.example",
        "jwt_audience": "planwright",
        "jwt_clients": ("page",),
        "jwt_max_days": 2,
        "jwt_sign_up": True,
    }
    sign_in = sign_in_of(settings.model_copy(update=named))
    assert sign_in.rules == Rules(("RS256", "ES256", "EdDSA"), "https://issuer.example", "planwright", ("page",), 2)
    assert (sign_in.keys is not None, sign_in.sign_up_zone) == (True, settings.time_zone)
    assert sign_in.credential_key == TEST_SECRET.credential_key()


def test_without_an_issuer_only_the_own_key_counts(settings: Settings) -> None:
    """Unless it is set otherwise, tokens are signed by the program's own key and name users of ours."""
    sign_in = sign_in_of(settings)
    assert (sign_in.rules, sign_in.keys, sign_in.sign_up_zone) == (Rules(), None, None)


@pytest.mark.parametrize("module", SLOW)
def test_what_takes_long_is_imported_when_it_is_needed(module: str) -> None:
    """The server's modules bring no LangGraph, which the program starts with, and no vendor's client comes unasked."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert SLOW[module].isdisjoint(loaded)
