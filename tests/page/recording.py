"""Record every scene as a log of events and what it folds to: `python -m tests.page.recording`.

The program runs as it is, over HTTP and on a Postgres of its own; only the models follow
a script. Each log is a file of arrivals, one a line, as the reducers take them.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Final

import httpx
from pydantic import JsonValue

from nodes.vocabulary.view import VIEW, Arrival, RunView, fold
from persistence import embedded
from persistence.migrate import migrate
from persistence.pools import Database
from persistence.runs import overdue
from server.tokens import issue_token
from tests.conftest import TEST_SECRET, new_person
from tests.page.scenes import SCENES, Scene
from tests.page.stage import APPROVAL_HOURS, TOKEN_KEY, Stage, stage_of
from tests.server.reading import PATIENCE_SECONDS, STREAM, signed_in_client, until

FOLDER: Final = Path(__file__).parent / "recorded"
AN_INSTANT_HOURS: Final = 1e-7


def names() -> list[str]:
    """Return the names of the recorded runs."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def arrivals_of(name: str) -> list[Arrival]:
    """Return a recorded log."""
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [Arrival(**json.loads(line)) for line in lines]


def state_of(name: str) -> JsonValue:
    """Return what a recorded log folded to when it was recorded."""
    state: JsonValue = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return state


def as_json(view: RunView) -> JsonValue:
    """Return a view as both languages write it: fields without a value left out."""
    whole: JsonValue = VIEW.dump_python(view, mode="json", by_alias=True)
    return without_nothing(whole)


def without_nothing(value: JsonValue) -> JsonValue:
    """Return JSON without members that are null: absent and null mean the same in a view."""
    if isinstance(value, dict):
        return {name: without_nothing(inner) for name, inner in value.items() if inner is not None}
    return [without_nothing(inner) for inner in value] if isinstance(value, list) else value


class Recorder:
    """Plays a scene as a person would, and notes each event when it comes."""

    def __init__(self, stage: Stage, client: httpx.AsyncClient) -> None:
        self.stage: Final = stage
        self.client: Final = client
        self.arrivals: Final[list[Arrival]] = []
        self._began: Final = monotonic()

    async def play(self, scene: Scene) -> None:
        """Send the request, answer every pause, and do what ends the scene."""
        self.stage.allow(scene.registry())
        self.stage.limit(**scene.limits)
        self.stage.wait_for_people(AN_INSTANT_HOURS if scene.ends == "expire" else APPROVAL_HOURS)
        self.stage.plays(scene.script())
        await self._read("POST", STREAM, {"message": scene.request, "approvals": scene.approvals})
        for decision in scene.decisions:
            await self._read("POST", f"{self._run}/decision", {"digest": self._digest, "decision": decision})
        if scene.ends == "cancel":
            (await self.client.post(f"{self._run}/cancel")).raise_for_status()
        if scene.ends == "expire":
            await self._let_time_run_out()
        if scene.ends:
            await until(self._has_ended)
            await self._read("GET", f"{self._run}/events?after={self.arrivals[-1].seq}", None)

    @property
    def session_id(self) -> str:
        """Return the session that the scene was played in."""
        return str(json.loads(self.arrivals[0].payload)["session"]["id"])

    @property
    def _run(self) -> str:
        return f"/api/agent/runs/{json.loads(self.arrivals[0].payload)['run']['id']}"

    @property
    def _digest(self) -> str:
        return str(json.loads(self.arrivals[-1].payload)["approval"]["digest"])

    async def _read(self, method: str, path: str, body: JsonValue) -> None:
        async with self.client.stream(method, path, json=body) as response:
            response.raise_for_status()
            seq = 0
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    seq = int(value)
                if name == "data":
                    self.arrivals.append(Arrival(seq, value, round((monotonic() - self._began) * 1000)))

    async def _has_ended(self) -> bool:
        run = (await self.client.get(self._run)).json()["run"]
        return run["finished_at"] is not None

    async def _let_time_run_out(self) -> None:
        assert self._run.rpartition("/")[2] in map(str, await overdue.expire_due(self.stage.database))


async def record(stage: Stage, scene: Scene) -> list[Arrival]:
    """Play a scene as a new person and return its log."""
    stage.reset()
    person = await new_person(stage.database)
    async with signed_in_client(stage.address, issue_token(TOKEN_KEY, person.id, 1)) as client:
        recorder = Recorder(stage, client)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await recorder.play(scene)
    return recorder.arrivals


def write(name: str, arrivals: list[Arrival]) -> None:
    """Keep a log and what it folds to."""
    lines = [json.dumps({"seq": one.seq, "payload": one.payload, "at_ms": one.at_ms}) for one in arrivals]
    (FOLDER / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    state = json.dumps(as_json(fold(arrivals)), indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(state + "\n", "utf-8")


def odd(arrivals: list[Arrival]) -> Iterator[Arrival]:
    """Yield a log as a bad network and a newer server would bring it: events doubled, unknown, broken, out of order."""
    for place, one in enumerate(arrivals):
        doubled = Arrival(one.seq * 2, one.payload, one.at_ms)
        yield doubled
        yield Arrival(one.seq * 2 + 1, ODD[place % len(ODD)], one.at_ms)
        yield doubled


ODD: Final = (
    '{"type": "weather", "sky": "blue"}',
    '{"type": "text"}',
    '{"type": "step_start", "step": {"stepNumber": "one"}}',
    "not JSON",
    "[]",
    '{"type": "done", "usage": {}, "finished_reason": "stop"}',
)


async def record_all(dsn: str) -> None:
    """Play and keep every scene on that server."""
    migrate(dsn, TEST_SECRET)
    database = Database(dsn, TEST_SECRET)
    await database.open()
    async with stage_of(database, dsn) as stage:
        logs = {name: await record(stage, scene) for name, scene in SCENES.items()}
    await database.close()
    for name, arrivals in logs.items():
        write(name, arrivals)
    write("odd", list(odd(logs["complex"])))


def main() -> None:
    """Record every scene, on a Postgres that is there for that."""
    folder = Path(tempfile.mkdtemp(prefix="planwright-recording-"))
    folder.chmod(0o755)
    FOLDER.mkdir(exist_ok=True)
    try:
        with embedded.start(folder / "data", settings={"fsync": "off"}) as server:
            asyncio.run(record_all(server.dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
