"""The release on a machine where there is nothing but Python."""

import httpx

import server
from tests.release.installed import Installed


def test_the_program_is_the_one_of_the_release(installed: Installed) -> None:
    """It runs from its own environment and says its version."""
    told = installed.planwright("--version")
    assert (told.returncode, told.stdout) == (0, f"planwright {server.__version__}\n")
    where = installed.python("-c", "import server, tools; print(server.__file__, tools.__file__)").stdout.split()
    assert all(file.startswith(str(installed.environment)) for file in where)


def test_a_first_request_is_planned_and_answered(installed: Installed) -> None:
    """`planwright demo` brings up its own Postgres and model, shows a plan, and answers from real rows."""
    demo = installed.planwright("demo")
    assert demo.returncode == 0, demo.stderr
    assert "Plan, revision 1" in demo.stderr
    assert "open tasks fit into your free time" in demo.stdout


def test_the_page_is_served(installed: Installed) -> None:
    """The web page, its scripts and the documentation of the API come out of the package."""
    with installed.serving() as address, httpx.Client(base_url=address) as client:
        answers = {path: client.get(path) for path in ("/", "/docs", "/openapi.json", "/health/ready")}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert "<title>Planwright" in answers["/"].text
    assert answers["/openapi.json"].json()["info"]["version"] == server.__version__
