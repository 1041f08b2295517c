"""docs/deployment.md followed from its top on a machine: installed, and run by systemd."""

from collections.abc import Iterator
from typing import Final

import pytest

import server
from tests.deploy.containers import Machine, Podman, needs_containers
from tests.deploy.proxies import DEPLOY
from tests.docs.pages import fences
from tests.docs.test_deployment import PAGE
from tests.house.project import ROOT
from tests.release.artefacts import build

pytestmark = [needs_containers, pytest.mark.timeout(300)]

CHECKOUT: Final = "/srv/planwright"
SETTINGS: Final = "/etc/planwright/planwright.env"
ALONE: Final = "PLANWRIGHT_SECRET=a-secret-that-nobody-else-on-this-machine-knows\n"
DATABASE: Final = "PLANWRIGHT_DATABASE_URL=postgresql://planwright_admin:password@127.0.0.1/planwright\n"
SYSTEMD: Final = fences(PAGE, "sh")[1]
READY: Final = "python3 -c 'import urllib.request as http; http.urlopen(\"http://127.0.0.1:8000/health/ready\")'"
DOCTOR: Final = f"set -a; . {SETTINGS}; /opt/planwright/bin/planwright doctor"


@pytest.fixture(scope="module")
def machine(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Give a machine on which Planwright is installed as the page says, with the units in their place."""
    checkout = tmp_path_factory.mktemp("checkout")
    build(ROOT, checkout / "dist")
    (checkout / "requirements.lock").write_bytes((ROOT / "requirements.lock").read_bytes())
    [install, *_] = fences(PAGE, "sh")
    with podman.machine("--volume", f"{checkout}:{CHECKOUT}:ro", "--volume", f"{DEPLOY}:/srv/deploy:ro") as booted:
        booted.types(install, where=CHECKOUT)
        booted.types("cp /srv/deploy/*.service /etc/systemd/system; systemctl daemon-reload")
        yield booted


@pytest.fixture
def idle(machine: Machine) -> Iterator[Machine]:
    """Give the machine, on which nothing of ours runs before and after."""
    yield machine
    machine.types("systemctl disable --now planwright planwright-worker@1")
    machine.types("systemctl reset-failed")


def test_the_release_is_installed(machine: Machine) -> None:
    """The commands of the page end with the program in its place, out of a folder of wheels, and nothing is missing."""
    assert machine.types("/opt/planwright/bin/planwright --version") == f"planwright {server.__version__}\n"
    assert machine.types("/opt/planwright/bin/pip check") == "No broken requirements found.\n"


def test_a_server_has_its_own_postgres_and_no_rights(idle: Machine) -> None:
    """Without a database named, the embedded one runs in the state folder; the process has no capability."""
    [first, _] = SYSTEMD.splitlines()
    idle.writes(SETTINGS, ALONE)
    idle.types(first)
    idle.waits_until(READY)
    status = f"/proc/{idle.shows('planwright', 'MainPID')}/status"
    assert "Uid:\t0" not in idle.types(f"cat {status}")
    assert "CapEff:\t0000000000000000\n" in idle.types(f"cat {status}")
    idle.types("test -e /var/lib/planwright/cluster/postmaster.pid")
    idle.types("systemctl stop planwright")
    assert idle.shows("planwright", "Result") == "success"
    idle.types("test ! -e /var/lib/planwright/cluster/postmaster.pid")


def test_more_workers_share_the_database(idle: Machine) -> None:
    """With a database made as the page says, a server and a worker are two processes at its queue."""
    [roles] = fences(PAGE, "sql")
    idle.writes("/srv/roles.sql", roles.replace("…", "password"))
    idle.types("chown postgres /srv/roles.sql; su postgres -c 'psql --set ON_ERROR_STOP=1 --file /srv/roles.sql'")
    idle.writes(SETTINGS, ALONE + DATABASE)
    idle.types(SYSTEMD)
    idle.waits_until(f"sh -c '{DOCTOR}' | grep '2 processes at work'")
    assert {idle.shows(unit, "ActiveState") for unit in ("planwright", "planwright-worker@1")} == {"active"}
    idle.types("systemctl stop planwright planwright-worker@1")
    assert {idle.shows(unit, "Result") for unit in ("planwright", "planwright-worker@1")} == {"success"}


def test_a_wrong_setting_is_not_tried_again(idle: Machine) -> None:
    """A server that ends with code 2 stays ended."""
    idle.writes(SETTINGS, "PLANWRIGHT_PORT=none\n")
    idle.types(SYSTEMD.splitlines()[0])
    idle.waits_until("systemctl is-failed planwright")
    assert idle.shows("planwright", "ExecMainStatus") == "2"
    assert (idle.shows("planwright", "SubState"), idle.shows("planwright", "NRestarts")) == ("failed", "0")


def test_systemd_has_nothing_to_say_of_the_units(machine: Machine) -> None:
    """Each line of a unit is one that systemd knows."""
    said = machine.types("systemd-analyze verify --man=no planwright.service planwright-worker@1.service 2>&1")
    assert said == ""
