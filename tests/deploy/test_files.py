"""The files of `deploy/` against the program: commands, settings, addresses and times are its own."""

import base64
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

import server
from server.settings import Settings
from server.wiring import DRAIN_SECONDS
from server.worker import RELEASE_SECONDS
from tests.conftest import TEST_SECRET
from tests.deploy.proxies import DEPLOY, missing
from tests.docs.configuration import PAGE as CONFIGURATION
from tests.docs.pages import fences
from tests.docs.test_deployment import PAGE as DEPLOYMENT
from tests.greeting import address_of
from tests.house.project import PACKAGES, ROOT
from tests.server.terminal.command_line import CommandLine

CONTAINER: Final = (DEPLOY / "Containerfile").read_text()
UNITS: Final = tuple(sorted(DEPLOY.glob("*.service")))
MANIFESTS: Final[list[dict[str, Any]]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
DEPLOYMENTS: Final = [manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment"]
PODS: Final[list[dict[str, Any]]] = [manifest["spec"]["template"]["spec"] for manifest in DEPLOYMENTS]
EXEC: Final = re.compile(r"^ExecStart=\S+/planwright (.+)$", re.MULTILINE)
STOP: Final = re.compile(r"^TimeoutStopSec=(\d+)$", re.MULTILINE)
COMMANDS: Final = sorted(
    {
        *(EXEC.findall(unit.read_text())[0] for unit in UNITS),
        *(" ".join(pod["containers"][0]["args"]) for pod in PODS),
        *re.findall(r'^CMD \["(\w+)"\]$', CONTAINER, re.MULTILINE),
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one(command: str) -> None:
    """What the files start is a command of the program, with options that it has."""
    told = CommandLine().run(*command.split(), "--help")
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_each_setting_is_one(file: Path) -> None:
    """Each variable that a file names stands in the configuration."""
    assert set(re.findall(r"PLANWRIGHT_[A-Z_]+", file.read_text())) <= set(
        re.findall(r"PLANWRIGHT_[A-Z_]+", CONFIGURATION.read_text())
    )


def test_whoever_stops_it_waits_long_enough() -> None:
    """Runs at work get their time to end before anything is killed."""
    waits = [int(STOP.findall(unit.read_text())[0]) for unit in UNITS]
    waits += [pod["terminationGracePeriodSeconds"] for pod in PODS]
    assert min(waits) > DRAIN_SECONDS + RELEASE_SECONDS


def test_the_manifests_fit_together() -> None:
    """Selectors choose the pods they are for, ports are those that are asked for, and the image is this release."""
    for manifest in DEPLOYMENTS:
        assert manifest["spec"]["selector"]["matchLabels"] == manifest["spec"]["template"]["metadata"]["labels"]
    [service] = [manifest for manifest in MANIFESTS if manifest["kind"] == "Service"]
    [served] = [pod for pod in PODS if "ports" in pod["containers"][0]]
    assert service["spec"]["selector"] == DEPLOYMENTS[PODS.index(served)]["spec"]["template"]["metadata"]["labels"]
    port = {"name": "http", "containerPort": Settings.model_fields["port"].default}
    assert served["containers"][0]["ports"] == [port]
    assert {pod["containers"][0]["image"] for pod in PODS} == {f"planwright:{server.__version__}"}
    assert f"--tag planwright:{server.__version__} " in CONTAINER


@pytest.mark.skipif(missing("kubectl"), reason="There is no kubectl here.")
def test_the_secret_of_the_pods_is_the_one_of_the_page(tmp_path: Path) -> None:
    """The command of docs/deployment.md makes what each pod takes its settings from, with the values as they stand."""
    (tmp_path / "planwright.env").write_text("PLANWRIGHT_SECRET=two words = a secret\n")
    command = [*shlex.split(fences(DEPLOYMENT, "sh")[3]), "--dry-run=client", "--output=json"]
    made = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    sources = [source for pod in PODS for source in pod["containers"][0]["envFrom"]]
    assert sources == [{"secretRef": {"name": made["metadata"]["name"]}}] * len(PODS)
    assert base64.b64decode(made["data"]["PLANWRIGHT_SECRET"]) == b"two words = a secret"


def test_nothing_runs_as_root() -> None:
    """The image ends as a user with a number, which is the one of the pods."""
    *_, last = re.findall(r"^USER (\d+)$", CONTAINER.rpartition("\nFROM ")[2], re.MULTILINE)
    assert {str(pod["securityContext"]["runAsUser"]) for pod in PODS} == {last} != {"0"}


def test_the_image_is_the_locked_program_and_no_secret() -> None:
    """It installs by hashes, holds the five packages and nothing else of the checkout, and names no secret."""
    assert "--require-hashes --requirement requirements.lock" in CONTAINER
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.MULTILINE) for name in line.split()}
    assert copied == {*PACKAGES, "requirements.lock", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert re.findall(r"SECRET|KEY|TOKEN|PASSWORD|JWT", re.sub(r"^#.*$", "", CONTAINER, flags=re.MULTILINE)) == []


def test_a_server_with_all_of_it_outside_writes_no_file(admin_dsn: str, tmp_path: Path) -> None:
    """With a database and a secret named, its own file system may be read-only, and the probes' addresses answer."""
    away = tmp_path / "away"
    installation = CommandLine(
        {
            "PLANWRIGHT_DATABASE_URL": admin_dsn,
            "PLANWRIGHT_SECRET": TEST_SECRET.root.decode(),
            "PLANWRIGHT_JWT_SECRET": "a key for bearer tokens that nobody else knows",
            "PLANWRIGHT_DATA_DIR": str(away),
        }
    )
    probes = {
        pod["containers"][0][kind]["httpGet"]["path"]
        for pod in PODS
        for kind in ("startupProbe", "livenessProbe", "readinessProbe")
        if kind in pod["containers"][0]
    }
    [checked] = re.findall(r"127\.0\.0\.1:8000(/[\w/]+)", CONTAINER)
    with installation.started("serve", "--port", "0") as process:
        address = address_of(process)
        answers = {path: httpx.get(f"{address}{path}").status_code for path in (*probes, checked)}
        process.terminate()
        process.wait()
    assert answers == {"/health/live": 200, "/health/ready": 200}
    assert not away.exists()
