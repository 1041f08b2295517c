"""`/metrics`, over HTTP."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from graph.turn import run_turn
from nodes.vocabulary.limits import Limits
from persistence import standing
from persistence.errors import DatabaseUnavailable
from persistence.pools import Database
from persistence.scope import Scope as Transaction
from persistence.standing import Standing
from server.engine import engine_of
from server.scopes import Scope
from server.settings import ModelChoice
from server.tokens import issue_token
from tests.conftest import Person
from tests.run_rows import Office
from tests.scripted_model.replies import call, text, tools
from tests.scripted_model.server import ScriptedModel
from tests.server.conftest import TOKEN_KEY
from tests.server.reading import STREAM, refusal, send, signed_in_client
from tests.server.scripted_turns import ScriptedTurns

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(client: httpx.AsyncClient) -> Samples:
    """Return every number, by its name and labels."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    """Return one number; 0 when nothing was counted yet."""
    return samples.get((f"planwright_{name}", frozenset(labels.items())), 0)


@pytest.fixture
async def client(address: str, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that may administer, beside what everybody may."""
    async with signed_in_client(address, issue_token(TOKEN_KEY, person.id, 1, Scope)) as signed_in:
        yield signed_in


async def test_metrics_are_for_those_who_administer(address: str, strangers_client: httpx.AsyncClient) -> None:
    """Nobody else reads how an installation is doing, signed in or not."""
    async with httpx.AsyncClient(base_url=address) as nobody:
        assert refusal(await nobody.get("/metrics")) == (401, "unauthorized")
    assert refusal(await strangers_client.get("/metrics")) == (403, "forbidden")


async def test_refusals_are_counted_by_their_codes(client: httpx.AsyncClient) -> None:
    """Each answer that is a refusal counts once, under its code and nothing that was sent."""
    before = await scraped(client)
    await client.get("/nowhere/at-all")
    await client.post(STREAM, json={"message": ""})
    after = await scraped(client)
    for code in ("not_found", "message_empty"):
        assert of(after, "refusals_total", code=code) - of(before, "refusals_total", code=code) == 1
    assert "at-all" not in str(after)


async def test_streams_runs_and_connections_are_shown_as_they_stand(
    client: httpx.AsyncClient, script: ScriptedTurns
) -> None:
    """A reader that follows a run, the run itself and the connections in use are there while they are."""
    script.go_on.clear()
    async with client.stream("POST", STREAM, json={"message": "Hello"}) as response:
        lines = response.aiter_lines()
        await anext(lines)
        await script.at_the_gate.wait()
        samples = await scraped(client)
    assert of(samples, "streams") == 1
    assert of(samples, "runs", status="running") >= 1
    assert of(samples, "connections_open", role="planwright_api") >= 1
    assert of(samples, "database_up") == 1
    assert of(samples, "queue_jobs") == 0
    assert ("process_resident_memory_bytes", frozenset[tuple[str, str]]()) in samples


async def test_without_a_database_what_this_process_knows_is_left(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that could not be read are not there: an old one would pass for a new one."""

    async def away(scope: Transaction, queue: str, lease_seconds: float) -> Standing:
        raise DatabaseUnavailable

    monkeypatch.setattr(standing, "standing", away)
    samples = await scraped(client)
    assert of(samples, "database_up") == 0
    assert not any(name == "planwright_queue_jobs" for name, _ in samples)
    assert any(name == "planwright_connections_open" for name, _ in samples)


async def test_what_a_run_does_is_counted_without_a_word_of_it(
    client: httpx.AsyncClient, database: Database, person: Person
) -> None:
    """Model calls count under the configured model, whatever name answers; tool calls under what they came to."""
    asked = [tools(call("search_notes", {"query": "Zephyrine"})), tools(call("Zephyrine", {})), text("Zephyrine.")]
    before = await scraped(client)
    with ScriptedModel(asked) as model:
        choice = ModelChoice(model.base_url, SecretStr(""), ("deep",), ("quick",))
        async with engine_of(database, choice, None, Limits()) as engine:
            await run_turn(engine, await Office(database, person).begin(), lambda _events: None)
    after = await scraped(client)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    assert more("model_call_seconds_count", model="deep", outcome="answered") == 3
    assert more("model_tokens_total", model="deep", kind="prompt") == model.usage.prompt
    assert more("model_tokens_total", model="deep", kind="completion") == model.usage.completion
    assert more("tool_calls_total", state="applied", code="") == 1
    assert more("tool_calls_total", state="denied", code="unknown_tool") == 1
    assert "Zephyrine" not in str(after)


async def test_no_label_is_of_anybody(client: httpx.AsyncClient, person: Person) -> None:
    """A label is one of a fixed few, and its values are ours or the operator's; no id of anything is among them."""
    answer = await send(client)
    samples = await scraped(client)
    labels = {label for name, labels in samples if name.startswith("planwright_") for label, _ in labels}
    assert labels <= {"code", "kind", "le", "model", "outcome", "role", "state", "status"}
    values = {value for _, labels in samples for _, value in labels}
    assert not any(re.fullmatch(r"[0-9a-f-]{32,36}", value) for value in values)
    for known in (person.email, str(person.id), answer.run_id, answer.session_id):
        assert known not in str(samples)
