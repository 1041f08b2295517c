"""docs/http.md against the server."""

import re
from typing import Final

import pytest

from server.bodies import Ask
from server.refusals import Refused
from tests.docs.pages import table_rows
from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "http.md"
ERRORS: Final = list(table_rows(PAGE, "Errors"))
RAISED: Final = re.compile(r'(?:Refused|Unavailable|BodyRefused|TooMany)\(\s*"(\w+)"|"(\w+)": \(\d{3},')


@pytest.mark.parametrize(("code", "status", "meaning"), ERRORS, ids=[row[0] for row in ERRORS])
def test_a_listed_refusal_is_what_the_server_sends(code: str, status: str, meaning: str) -> None:
    """Each row of the table is a code of the server, with its status and its sentence."""
    refusal = Refused(code)
    assert (str(refusal.status), str(refusal)) == (status, meaning)


def test_every_refusal_is_listed() -> None:
    """Each code that the server can refuse with has a row."""
    sources = "".join(file.read_text() for file in (ROOT / "server").rglob("*.py"))
    raised = {code for pair in RAISED.findall(sources) for code in pair if code}
    assert raised == {row[0] for row in ERRORS}


def test_the_fields_of_a_message_are_listed() -> None:
    """The table of fields has each field of the request's body."""
    fields = {"conversationHistory" if name == "history" else name for name in Ask.model_fields}
    assert {row[0] for row in table_rows(PAGE, "Send a message")} == fields
