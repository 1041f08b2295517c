"""What the pages show without a `$`: what lasts, has a place to fill in, or goes into a file. It is typed as well."""

import os
import re
import shlex
import shutil
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Final

import pytest

from tests.docs.conftest import ADDRESS, Newcomer
from tests.docs.pages import PAGES, fences
from tests.greeting import address_of
from tests.house.project import ROOT
from tests.scripted_model.replies import text
from tests.scripted_model.server import ScriptedModel

PROVIDER: Final = "https://models.example.org/v1"
# How many such blocks a page has, and whose tests type them.
TYPED: Final = {
    "README.md": 2,  # here
    "adding.md": 2,  # here
    "configuration.md": 1,  # here
    "deployment.md": 4,  # in tests/deploy
    "operations.md": 1,  # in test_operations.py
    "quickstart.md": 2,  # here
}
LANGUAGES: Final = {"console", "diff", "ini", "json", "mermaid", "python", "sh", "sql", "text", "ts"}

pytestmark = pytest.mark.xdist_group("newcomer")  # they share one installation


def block(page: str, words: str) -> str:
    """Return the block of a page that has these words."""
    [found] = [told for told in fences(ROOT / page, "sh") if words in told]
    return found


def test_no_block_is_typed_by_nobody() -> None:
    """A page with a new block of commands, or one in a language that no test knows, needs a test and a line above."""
    counts = {page.name: len(fences(page, "sh")) for page in PAGES}
    assert {name: count for name, count in counts.items() if count} == TYPED
    opened = {line for page in PAGES for line in re.findall(r"^```(\w+)$", page.read_text(), re.MULTILINE)}
    assert opened <= LANGUAGES


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/adding.md", "docs/configuration.md", "docs/quickstart.md"],
)
def test_the_settings_of_a_model_are_enough(page: str, newcomer: Newcomer) -> None:
    """With what the page shows, filled in, a request is answered by that model."""
    with ScriptedModel([text("Hello to you.")]) as model:
        settings = block(page, PROVIDER).replace(PROVIDER, model.base_url).replace("…", "a-key")
        typed = settings if "planwright ask" in settings else f"{settings}planwright ask Hello"
        asked = newcomer.types(["set -a", typed])
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.strip() == "Hello to you."
    assert [request.model for request in model.requests] == ["large-model"]


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_a_server_starts_and_answers(page: str, newcomer: Newcomer) -> None:
    """`serve` says where it listens, and a request as the page shows it, with a token, is answered."""
    serve, *requests = block(page, ".venv/bin/planwright serve").splitlines()
    token = newcomer.types(["planwright token new --user demo"]).stdout.strip()
    command = shlex.split(serve.replace(".venv/bin/", ""))
    environment = {**newcomer.environment, "PLANWRIGHT_PORT": "0"}
    executable = shutil.which(command[0], path=environment["PATH"])
    with Popen(command, executable=executable, env=environment, stdout=PIPE, text=True) as server:
        try:
            address = address_of(server)
            typed = [line.replace(ADDRESS, address).replace("…", token) for line in requests]
            answered = newcomer.types(typed)
        finally:
            server.terminate()
            server.communicate()
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.count('"type":"done"') == len(requests)


def test_the_example_of_a_tool_is_found(newcomer: Newcomer, tmp_path: Path) -> None:
    """With the variables of the page, `planwright tools` names the tool among those that only read."""
    (tmp_path / "office_tools.py").write_text(fences(ROOT / "docs/adding.md", "python")[0])
    folders = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    listed = newcomer.types([block("docs/adding.md", "PLANWRIGHT_TOOLS").replace("/path/to/its/folder", folders)])
    assert listed.returncode == 0, listed.stderr
    reading, _, writing = listed.stdout.partition("write tools")
    assert "13 read tools" in reading
    assert "count_days" in reading
    assert "count_days" not in writing
