"""Errors that nobody foresaw."""

import logging
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import httpx
import pytest

from persistence.pools import Database
from persistence.record import users
from persistence.runs.events import LoggedEvent
from server import guarded
from server.tail import Hub, Told
from tests.server.reading import STREAM, refusal, send

SECRET = "postgresql://planwright:hunter2@db/x, and the text of a person"


async def test_an_error_that_nobody_foresaw_is_told_by_its_places_alone(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets a 500 that says nothing, the log a line with the route and the places; neither has its text."""

    async def broken(*_: object) -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(users, "may_sign_in", broken)
    response = await client.get(STREAM)
    assert refusal(response) == (500, "internal")
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().startswith(f"GET {STREAM} ended by an error nobody foresaw: RuntimeError < ")
    assert "auth.py:" in record.getMessage()
    assert record.exc_info is None
    assert "hunter2" not in caplog.text + response.text


async def test_a_stream_that_breaks_is_not_taken_for_whole(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error behind the first event cuts the connection: an end that looked clean would pass for the run's."""

    async def breaking(
        _database: Database, _user_id: UUID, _run_id: UUID, first: LoggedEvent, _hub: Hub
    ) -> AsyncGenerator[Sequence[Told]]:
        yield [first]
        raise RuntimeError(SECRET)

    monkeypatch.setattr(guarded, "of_new_run", breaking)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(STREAM, json={"message": "Hello"})
    assert "RuntimeError < test_contained.py" in caplog.text
    assert "hunter2" not in caplog.text
    monkeypatch.undo()
    assert (await send(client)).types[-1] == "done"
