"""A run as a JSON document."""

import json
from pathlib import Path
from typing import Final

import pytest

from persistence.pools import Database
from persistence.record import sums
from persistence.scope import Role
from server.exports.bundle import VERSION, BundleUnreadable, as_json, read_bundle
from tests.conftest import TEST_SECRET, Person
from tests.scripted_model.replies import text
from tests.server.exports.complex_runs import bundle_at, complex_script
from tests.turns import desk

RELEASED: Final = Path(__file__).with_name("run_of_version_1.json")


async def test_a_document_read_again_is_the_same(database: Database, person: Person) -> None:
    """Nothing of a run is lost on the way out and back: trace, sums, messages, every event in its place."""
    async with desk(database, person, complex_script()) as at:
        turn = await at.ask("Put my house in order")
        bundle = await bundle_at(at, turn.run.id)
        async with database.acting(Role.API, person.identity) as scope:
            added_up = await sums.of_run(scope, turn.run.id)
    again = read_bundle(as_json(bundle))
    assert again == bundle
    assert again.answer == turn.text
    assert again.sums == added_up
    assert [logged.event for logged in again.events] == turn.events
    assert [logged.seq for logged in again.events] == list(range(1, len(turn.events) + 1))


async def test_a_document_holds_no_secret_and_no_thought(database: Database, person: Person) -> None:
    """Neither keys of the installation nor what a thinking model thought go out."""
    async with desk(database, person, [text("Good morning.", reasoning="My secret thought")]) as at:
        turn = await at.ask("Good morning")
        document = as_json(await bundle_at(at, turn.run.id))
    for secret in (TEST_SECRET.root, TEST_SECRET.signing_key(), TEST_SECRET.token_key().encode()):
        assert secret not in document
    assert b"My secret thought" not in document


def test_a_document_of_an_earlier_release_opens() -> None:
    """What was exported once can be read for ever."""
    bundle = read_bundle(RELEASED.read_bytes())
    assert bundle.version <= VERSION
    assert bundle.trace.run.status == "done"
    assert bundle.answer == "The plants are on your list."


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(b"", "not a run", id="nothing"),
        pytest.param(b"[]", "not a run", id="a list"),
        pytest.param(b'{"format": "another", "version": 1}', "not a run", id="another format"),
        pytest.param(b'{"format": "planwright-run", "version": 1}', "not a run", id="half of it"),
        pytest.param(b'{"format": "planwright-run", "version": 99}', "later release", id="a later version"),
        pytest.param(b"\xff\xfe", "not a run", id="no UTF-8"),
        pytest.param(b"[" * 100_000, "not a run", id="too deep"),
    ],
)
def test_what_is_no_document_is_said_to_be_none(document: bytes, words: str) -> None:
    """A file from elsewhere is refused in one sentence."""
    with pytest.raises(BundleUnreadable, match=words):
        read_bundle(document)


def test_unknown_fields_are_passed_over() -> None:
    """A later release may say more under the same version."""
    document = json.loads(RELEASED.read_bytes())
    document["surprise"] = document["trace"]["surprise"] = 1
    assert read_bundle(json.dumps(document).encode()) == read_bundle(RELEASED.read_bytes())
