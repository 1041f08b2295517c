"""Calls over one provider's connections: how many, by which way, and with whose help."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import pytest
from pydantic import JsonValue, SecretStr

from graph.compatible.model_connection import ModelConnection
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import text
from tests.scripted_model.server import ScriptedModel

CALLS: Final = 200  # fifty people whose plans have four steps at work
PATIENCE_SECONDS: Final = 30
KEY: Final = SecretStr("the key of the settings")
QUESTION: Final[Mapping[str, JsonValue]] = {"model": "deep", "messages": []}
ELSEWHERE: Final = "http://models.invalid/v1"

Given = ParamSpec("Given")
Result = TypeVar("Result")


class NoThreads(ThreadPoolExecutor):
    """The event loop's threads, none of which may be used."""

    def submit(self, fn: Callable[Given, Result], /, *_: Given.args, **__: Given.kwargs) -> Future[Result]:
        """Refuse."""
        raise AssertionError(f"{fn} was called in a thread")


@pytest.fixture(autouse=True)
def no_proxy_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine that runs the tests says of proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def connected(base_url: str) -> AsyncGenerator[ModelConnection]:
    """Give a connection that is closed at the end."""
    connection = ModelConnection(base_url, KEY, connect_seconds=5, total_seconds=60)
    yield connection
    await connection.close()


@asynccontextmanager
async def proxy() -> AsyncGenerator[tuple[str, list[str]]]:
    """Give the address of a proxy that answers by itself, and the first line and credentials of what it was sent."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        asked.extend(line for line in head if line.startswith(("POST", "Proxy-Authorization")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_call_does_not_wait_for_another() -> None:
    """However many answers are under way, the next call reaches the model at once."""
    gate = Gate()
    with ScriptedModel(lambda _: text("Here.").gated(gate)) as server:
        async with (
            connected(server.base_url) as connection,
            asyncio.timeout(PATIENCE_SECONDS),
            asyncio.TaskGroup() as calls,
        ):
            for _ in range(CALLS):
                calls.create_task(connection.whole(QUESTION))
            await server.requested(CALLS)
            gate.open()


def test_a_call_takes_no_thread() -> None:
    """A thread waits for the interpreter's lock, which a busy event loop gives up every 5 ms at most."""

    async def asked(base_url: str) -> JsonValue:
        asyncio.get_running_loop().set_default_executor(NoThreads())
        async with connected(base_url) as connection:
            return await connection.whole(QUESTION)

    with ScriptedModel([text("Here.")]) as server:
        assert asyncio.run(asked(server.base_url))


async def test_the_key_of_the_settings_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a `.netrc` has for the model's host neither replaces the key nor gets in its way."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else", "ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with ScriptedModel([text("Here.")], api_key=KEY.get_secret_value()) as server:
        async with connected(server.base_url) as connection:
            assert await connection.whole(QUESTION)


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its credentials, by the variables that other programs go by."""
    async with proxy() as (address, asked):
        monkeypatch.setenv("http_proxy", f"http://me:secret@{address}")
        async with connected(ELSEWHERE) as connection:
            assert await connection.whole(QUESTION) == {}
    assert asked == [f"POST {ELSEWHERE}/chat/completions HTTP/1.1", "Proxy-Authorization: Basic bWU6c2VjcmV0"]


async def test_a_host_may_be_excepted_from_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """By `no_proxy`, a model on one's own machine, say."""
    async with proxy() as (address, asked):
        monkeypatch.setenv("http_proxy", f"http://{address}")
        monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
        with ScriptedModel([text("Here.")]) as server:
            async with connected(server.base_url) as connection:
                assert await connection.whole(QUESTION)
    assert asked == []
