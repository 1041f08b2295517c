"""What is installed is what was declared, decided and locked."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from itertools import chain
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.project import PACKAGES, ROOT, declared_requirements, requirements_of_extras

# Below these versions there are published advisories, or a behaviour that the design counts on is missing.
FLOORS: Final = {
    "langchain-core": "1.4.7",
    "langchain-openai": "1.1.14",
    "langgraph": "1.2.20",
    "langgraph-checkpoint": "4.3.0",
    "langgraph-checkpoint-postgres": "3.2.0",
    "langsmith": "0.8.0",
    "pyjwt": "2.15",
    "starlette": "1.3.1",
}
TYPE_CHECKER: Final = {"_typeshed"}  # part of the type checkers, never imported at run time
LOCKS: Final = ("requirements.lock", "requirements-dev.lock", "requirements-extras.lock", "requirements-uv.lock")
LOCK_OF_EXTRA: Final = {
    "otel": "requirements-dev.lock",
    "studio": "requirements-extras.lock",
    "web": "requirements-extras.lock",
}
PIN: Final = re.compile(r"^(?P<name>[\w.-]+)(\[[\w,-]+\])?==(?P<version>[^\s;\\]+)")


def pins(lock: str) -> dict[str, str]:
    """Return the version of each distribution in a lock."""
    found = (PIN.match(line) for line in (ROOT / lock).read_text().splitlines())
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def entries(lock: str) -> list[str]:
    """Return the entries of a lock, each with its continuation lines, without the comments."""
    lines = [line for line in (ROOT / lock).read_text().splitlines() if not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", "").splitlines()


def everything_asked_for() -> list[Requirement]:
    """Return what pyproject.toml asks for at run time, always or in one of its extras."""
    return [*declared_requirements(), *chain.from_iterable(requirements_of_extras().values())]


def imported_names() -> Iterator[str]:
    """Yield the first part of every absolute import in the five packages."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield node.module.partition(".")[0]


@pytest.mark.parametrize(("name", "floor"), FLOORS.items())
def test_no_version_below_its_floor_is_installed_or_allowed(name: str, floor: str) -> None:
    """The installed release is at or above the floor, and pyproject.toml admits none below it."""
    assert Version(version(name)) >= Version(floor)
    [declared] = [requirement for requirement in declared_requirements() if requirement.name == name]
    assert min(Version(clause.version) for clause in declared.specifier) >= Version(floor)


def test_every_pin_is_what_was_declared() -> None:
    """The runtime lock pins each declared requirement to a version that the declaration admits."""
    locked = pins("requirements.lock")
    for requirement in declared_requirements():
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_every_import_is_declared() -> None:
    """Nothing is imported that is only there because something else needs it."""
    declared = {canonicalize_name(requirement.name) for requirement in everything_asked_for()}
    owners = packages_distributions()
    outside = set(imported_names()) - set(PACKAGES) - set(sys.stdlib_module_names) - TYPE_CHECKER
    undeclared = {name for name in outside if declared.isdisjoint(map(canonicalize_name, owners.get(name, [])))}
    assert undeclared == set()


def test_every_dependency_has_its_reason() -> None:
    """The decision on dependencies names each one of them."""
    decision = (ROOT / "docs/decisions/0003-dependencies.md").read_text()
    names = {requirement.name for requirement in everything_asked_for()}
    assert {name for name in names if f"`{name}`" not in decision} == set()


@pytest.mark.parametrize(("extra", "lock"), LOCK_OF_EXTRA.items())
def test_an_extra_is_tested_as_it_is_declared(extra: str, lock: str) -> None:
    """What it asks for is pinned where its tests run, and not in the runtime lock: so it stays one."""
    locked, shipped = pins(lock), pins("requirements.lock")
    for requirement in requirements_of_extras()[extra]:
        name = canonicalize_name(requirement.name)
        assert requirement.specifier.contains(locked[name]), requirement
        assert name not in shipped


def test_every_extra_has_its_lock() -> None:
    """No extra is declared whose tests run nowhere."""
    assert set(LOCK_OF_EXTRA) == set(requirements_of_extras())


@pytest.mark.parametrize("lock", ["requirements-dev.lock", "requirements-extras.lock"])
def test_testing_runs_what_is_shipped(lock: str) -> None:
    """Each lock that tests run on holds every pin of the runtime lock, unchanged."""
    assert pins("requirements.lock").items() <= pins(lock).items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_file_is_checked_by_its_hash(lock: str) -> None:
    """Each entry of a lock is a pin with a hash; a name may have one for each of several Pythons."""
    found = entries(lock)
    assert found
    assert [entry for entry in found if not PIN.match(entry) or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    """A lock says what to install, never where from: no address, no index, no folder."""
    text = (ROOT / lock).read_text()
    assert re.findall(r"://|--index-url|--extra-index-url|--find-links|--trusted-host|@ ", text) == []
