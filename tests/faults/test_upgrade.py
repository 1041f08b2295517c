"""An upgrade with runs in flight: what the release before left behind is finished by this one."""

import asyncio
import io
import subprocess
import sys
import tarfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.faults.processes import Process, Zygote, inherited
from tests.faults.proxy import Proxy
from tests.faults.reference import KINDS
from tests.faults.site import Member, Site, opened_site, until
from tests.faults.striking import Begun, begin, ended, judged, new_token, uncrashed
from tests.faults.trials import FULL, IN_TIME, Trials, count, site_group
from tests.house.project import PACKAGES, ROOT
from tests.roomy import ROOMY_SETTINGS

pytestmark = [site_group("upgrade"), pytest.mark.figure, IN_TIME]

BEFORE = "b3c19c49a005ace2b5ed873e5133b3d097671b98"  # the last commit whose workers held runs by a lease on the row
ALL_AT_ONCE = {"PLANWRIGHT_MAX_CONCURRENT_RUNS": "64"}


def release_before() -> bytes | None:
    """Return the packages of the release before as a tar archive; None where its history is not at hand."""
    archive = subprocess.run(["git", "archive", BEFORE, *PACKAGES], cwd=ROOT, capture_output=True, check=False)
    return archive.stdout if archive.returncode == 0 else None


@asynccontextmanager
async def running_before(site: Site, archive: bytes) -> AsyncGenerator[Member]:
    """Run a server of the release before; it is killed at the end."""
    folder = site.folder / "before"
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    more = {"PLANWRIGHT_PORT": "0", "PYTHONPATH": str(folder)}
    known_then = {
        name: value for name, value in site.environment(site.postgres.dsn).items() if name not in ROOMY_SETTINGS
    }
    log = site.folder / "before.log"
    with log.open("wb") as written:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.terminal.cli", "serve"),
            cwd=folder,
            env={**inherited(), **known_then, **ALL_AT_ONCE, **more},
            stdout=written,
            stderr=written,
        )
    process = Process(program.pid, log, asyncio.ensure_future(program.wait()))
    member = Member(process, Proxy(site.postgres.dsn))
    await until(member.listens, member)
    async with httpx.AsyncClient() as client:
        await until(lambda: site.is_ready(client, member), member)
    try:
        yield member
    finally:
        process.kill()
        await process.ended


@pytest.mark.skipif(not FULL, reason="starts two releases, one after the other")
async def test_runs_of_the_release_before_are_finished(zygote: Zygote, request: pytest.FixtureRequest) -> None:
    """Killed in the middle of many runs and replaced by this release, it loses none and does nothing twice."""
    archive = release_before()
    if archive is None:
        pytest.skip("the history of this checkout does not reach back to the release before")
    trials = Trials("upgrade with runs in flight")
    async with opened_site(zygote) as site:
        async with running_before(site, archive) as before:
            begun = await _held(site, before, count("upgrade", short=4, full=50))
        await site.add_server("--no-worker")
        await site.add_server("--no-worker")
        await site.add_worker()
        site.script.release()
        records = [await ended(site, run, site.servers[0]) for _, run in begun]
        known = {kind: (await uncrashed(site, kind)).record for kind in KINDS}
        for (kind, run), record in zip(begun, records, strict=True):
            trials.tell(f"{run.token}, attempt {record.attempt}", judged(known[kind], record, kills=1))
    trials.conclude(request, floor=trials.made)


async def _held(site: Site, server: Member, number: int) -> list[tuple[str, Begun]]:
    """Begin runs, each of another person, and return when every one of them waits for a model."""
    begun: list[tuple[str, Begun]] = []
    for place in range(number):
        kind = KINDS[place % len(KINDS)]
        token = new_token(kind)
        gate = site.script.hold(token, 1 if kind == "simple" else 2)
        begun.append((kind, await begin(site, kind, server, token)))
        await gate.reached()
    return begun
