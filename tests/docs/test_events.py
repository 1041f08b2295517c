"""docs/events.md against the events in the code."""

import json
from typing import Final, get_args

from nodes.vocabulary.errors import TurnError
from nodes.vocabulary.events import EVENT, encoded
from nodes.vocabulary.model_failure import ModelFailureCode
from tests.docs.pages import fences, table_rows
from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "events.md"
TYPES: Final = 12
ENDED_BY_OTHERS: Final = {"too_many_steps", "attempts_exhausted"}  # literals in graph/turn.py and server/worker.py


def test_each_of_the_twelve_has_one_true_example() -> None:
    """Each type has one example, `done` one of each kind, and reading and writing them again changes nothing."""
    examples = [json.loads(block) for block in fences(PAGE, "json")]
    assert [json.loads(encoded(EVENT.validate_python(example))) for example in examples] == examples
    types = [example["type"] for example in examples]
    assert len(set(types)) == TYPES
    assert sorted(types) == sorted([*EVENT.json_schema()["discriminator"]["mapping"], "done"])


def test_every_code_of_an_error_is_listed() -> None:
    """The table has each code by which a run can end, and no other."""
    foreseen = {TurnError.code, *(error.code for error in TurnError.__subclasses__())}
    listed = {row[0] for row in table_rows(PAGE, "Codes of `error`")}
    assert listed == foreseen | set(get_args(ModelFailureCode)) | ENDED_BY_OTHERS


def test_the_other_codes_are_in_the_code() -> None:
    """The codes that no class carries still stand where they are used."""
    sources = (ROOT / "graph" / "turn.py").read_text() + (ROOT / "server" / "worker.py").read_text()
    assert {code for code in ENDED_BY_OTHERS if f'"{code}"' not in sources} == set()
