"""docs/troubleshooting.md against the code: whoever looks for what they see finds it as it is."""

import re
from typing import Final, get_args

import pytest

from nodes.vocabulary.errors import TurnError
from nodes.vocabulary.model_failure import ModelFailureCode
from server.refusals import REFUSALS
from server.terminal.exits import ExitCode
from tests.docs.pages import table_rows
from tests.house.project import PACKAGES, ROOT

PAGE: Final = ROOT / "docs" / "troubleshooting.md"
SECTIONS: Final = re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)
SEEN: Final = [row[0] for section in SECTIONS for row in table_rows(PAGE, section)]
MESSAGES: Final = sorted({message for seen in SEEN for message in re.findall(r"“([^”]+)”", seen)})
LISTED: Final = [seen for seen in SEEN if re.fullmatch("[a-z_]+(?:`, `[a-z_]+)*", seen)]
CODES: Final = sorted({code for seen in LISTED for code in re.findall("[a-z_]+", seen)})
JOINT: Final = re.compile(r'"\s*f?"')  # where a sentence goes on in the next line of the code


@pytest.fixture(scope="module")
def program_text() -> str:
    """Give the sources and the Makefile, with sentences that are cut over lines in one piece."""
    files = [ROOT / "Makefile", *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
    return JOINT.sub("", "\n".join(file.read_text() for file in files))


@pytest.mark.parametrize("message", MESSAGES)
def test_a_quoted_message_is_one_of_the_program(message: str, program_text: str) -> None:
    """Each part of it stands in the code."""
    assert [part for part in message.split("…") if part.strip() not in program_text] == []


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_one_of_an_answer_or_an_event(code: str) -> None:
    """It is a refusal of the server or an end of a run."""
    ends = {TurnError.code, *(error.code for error in TurnError.__subclasses__()), *get_args(ModelFailureCode)}
    assert code in {*REFUSALS, *ends, "too_many_steps", "attempts_exhausted"}


def test_every_end_of_a_run_is_explained() -> None:
    """Whoever is told a code by a run that failed finds it; a replay's is among the answers and changes."""
    ends = {row[0] for row in table_rows(ROOT / "docs/events.md", "Codes of `error`")}
    assert ends - {"plan_invalid"} <= set(CODES)  # no run should end by it: docs/events.md


def test_every_exit_code_is_explained() -> None:
    """The list at the end has each code of the command line, and no other."""
    said = re.findall(r"(?:^|, )(\d+) ", " ".join(PAGE.read_text().rpartition("## Exit codes\n\n")[2].split()))
    assert [int(code) for code in said] == [code.value for code in ExitCode]
