"""The example of docs/adding.md, as an operator would use it."""

from pathlib import Path

import pytest

from persistence.pools import Database
from tests.conftest import Person
from tests.docs.pages import fences
from tests.house.project import ROOT
from tests.scripted_model.replies import call, text, tools
from tests.turns import desk
from tools.registry import Registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the module of the example."""
    module, *_ = fences(ROOT / "docs" / "adding.md", "python")
    (tmp_path / "office_tools.py").write_text(module)
    return tmp_path


async def test_a_turn_calls_the_tool(
    folder: Path, database: Database, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner calls the tool, and is refused with a sentence when the number is out of range."""
    monkeypatch.syspath_prepend(folder)
    script = [tools(call("count_days", {"days": 2}), call("count_days", {"days": 1000})), text("In two days.")]
    async with desk(database, person, script, registry=Registry.build("office_tools:TOOLS")) as at:
        turn = await at.ask("Which day is it in two days?")
    results = {event["tool_result"]["success"]: event["tool_result"] for event in turn.all("tool_result")}
    assert results[True]["result"]["message"].startswith("In 2 days it is ")
    assert results[False]["error"] == "Ask for 0 to 365 days."
    assert turn.run.status == "done"
