"""LangGraph's checkpoints: a person's own, of the attempt that holds the run, and nothing but data."""

from pathlib import Path
from typing import Final, TypedDict
from uuid import UUID

import ormsgpack
import psycopg
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import INTERRUPT
from langgraph.graph import END, START, StateGraph

from persistence.attempts import Attempt
from persistence.checkpoints import STRICT, Checkpoints, OwedCheckpoints
from persistence.errors import Fenced, StatementRefused
from persistence.scope import Identity
from tests.run_rows import Office, run_of

CANARY: Final = "a key that must not be stored"


def place(session_id: UUID, checkpoint_id: str | None = None) -> RunnableConfig:
    """Return where a session's checkpoints go."""
    named = {} if checkpoint_id is None else {"checkpoint_id": checkpoint_id}
    return {"configurable": {"thread_id": str(session_id), "checkpoint_ns": "", **named}}


def checkpoint(value: object) -> Checkpoint:
    """Return a checkpoint of one channel."""
    fresh = empty_checkpoint()
    fresh["channel_values"] = {"seen": value}
    fresh["channel_versions"] = {"seen": "1"}
    return fresh


async def put(office: Office, worker: Identity, session_id: UUID, value: object) -> RunnableConfig:
    """Store a checkpoint and a write that belongs to it."""
    saver = Checkpoints(office.database, worker)
    stored = await saver.aput(place(session_id), checkpoint(value), {"step": 1}, {"seen": "1"})
    await saver.aput_writes(stored, [(INTERRUPT, value)], "task")
    return stored


async def session_of(office: Office, worker: Identity) -> UUID:
    """Return the session that a worker's run belongs to."""
    return (await office.row(run_of(worker))).session_id


async def stored_text(office: Office) -> str:
    """Return everything that the person's checkpoints hold."""
    async with office.asking() as scope:
        texts = [
            await scope.value(str, "select string_agg(c::text, ' ') from checkpoints c"),
            await scope.value(str, "select string_agg(convert_from(blob, 'LATIN1'), ' ') from checkpoint_blobs"),
            await scope.value(str, "select string_agg(convert_from(blob, 'LATIN1'), ' ') from checkpoint_writes"),
        ]
    return " ".join(text or "" for text in texts)


async def test_a_checkpoint_is_read_back(office: Office) -> None:
    """What one attempt stored, another reads: values, writes and place."""
    worker = await office.begin()
    session = await session_of(office, worker)
    await put(office, worker, session, ["a", {"b": 1}])
    found = await Checkpoints(office.database, await office.take(run_of(worker))).aget_tuple(place(session))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"seen": ["a", {"b": 1}]}
    assert found.pending_writes == [("task", INTERRUPT, ["a", {"b": 1}])]
    assert found.metadata == {"step": 1}


async def test_what_a_node_wrote_stands_in_its_checkpoint_only(office: Office) -> None:
    """A node that runs again finds its work in our tables, so its writes are not stored before the checkpoint is."""
    worker = await office.begin()
    session = await session_of(office, worker)
    stored = await put(office, worker, session, ["a"])
    await Checkpoints(office.database, worker).aput_writes(stored, [("seen", ["b"])], "node")
    found = await Checkpoints(office.database, worker).aget_tuple(place(session))
    assert found is not None
    assert found.pending_writes == [("task", INTERRUPT, ["a"])]


async def test_an_attempts_checkpoint_is_stored_with_its_next_transaction(office: Office) -> None:
    """It costs none of its own; what a pause is made of is stored with it."""
    worker = await office.begin()
    session, attempt = await session_of(office, worker), Attempt(office.database, worker)
    saver, others = OwedCheckpoints(attempt), Checkpoints(office.database, office.person.identity)
    stored = await saver.aput(place(session), checkpoint(["a"]), {"step": 1}, {"seen": "1"})
    await saver.aput_writes(stored, [(INTERRUPT, ["a"])], "task")
    assert await others.aget_tuple(place(session)) is None
    async with attempt.writing():
        pass
    for found in (await others.aget_tuple(place(session)), await saver.aget_tuple(place(session))):
        assert found is not None
        assert (found.checkpoint["channel_values"], found.pending_writes) == (
            {"seen": ["a"]},
            [("task", INTERRUPT, ["a"])],
        )


async def test_an_attempt_finds_the_checkpoint_that_it_owes(office: Office) -> None:
    """To look for it is a transaction like any other, and stores it."""
    worker = await office.begin()
    session = await session_of(office, worker)
    saver = OwedCheckpoints(Attempt(office.database, worker))
    await saver.aput(place(session), checkpoint(["a"]), {"step": 1}, {"seen": "1"})
    found = await saver.aget_tuple(place(session))
    assert found is not None
    assert found.checkpoint["channel_values"] == {"seen": ["a"]}


async def test_nobody_reads_anothers_checkpoints(office: Office, strangers_office: Office) -> None:
    """By a session's id alone another person finds nothing: no latest checkpoint, no list, no single one."""
    worker = await office.begin()
    session = await session_of(office, worker)
    stored = await put(office, worker, session, [CANARY])
    for identity in (strangers_office.person.identity, await strangers_office.begin()):
        saver = Checkpoints(strangers_office.database, identity)
        assert await saver.aget_tuple(place(session)) is None
        assert await saver.aget_tuple(stored) is None
        assert [found async for found in saver.alist(place(session))] == []
        assert [found async for found in saver.alist(None)] == []


async def test_nobody_changes_anothers_checkpoints(office: Office, strangers_office: Office) -> None:
    """Another person can neither write into a session, nor over a checkpoint, nor delete what is there."""
    worker, thief = await office.begin(), await strangers_office.begin()
    session = await session_of(office, worker)
    stored = await put(office, worker, session, ["kept"])
    before = await stored_text(office)
    saver = Checkpoints(strangers_office.database, thief)
    with pytest.raises((StatementRefused, psycopg.errors.InsufficientPrivilege)):
        await put(strangers_office, thief, session, ["stolen"])
    with pytest.raises((StatementRefused, psycopg.errors.InsufficientPrivilege)):
        await saver.aput_writes(stored, [(INTERRUPT, "stolen")], "another task")
    with pytest.raises((StatementRefused, psycopg.errors.InsufficientPrivilege)):
        await saver.aput_writes(stored, [(INTERRUPT, "stolen")], "task")
    await saver.adelete_thread(str(session))
    assert await stored_text(office) == before


async def test_an_earlier_attempt_stores_nothing(office: Office) -> None:
    """A worker that was paused and woken after take-over cannot overwrite the state of the new one."""
    worker = await office.begin()
    session = await session_of(office, worker)
    stored = await put(office, worker, session, ["first"])
    later = await office.take(run_of(worker))
    with pytest.raises(Fenced):
        await put(office, worker, session, ["late"])
    with pytest.raises(Fenced):
        await Checkpoints(office.database, worker).aput_writes(stored, [(INTERRUPT, "late")], "task")
    await put(office, later, session, ["second"])
    assert "late" not in await stored_text(office)


async def test_without_a_run_checkpoints_are_only_read(office: Office) -> None:
    """A notebook or a trace, which names no run, reads and cannot write."""
    worker = await office.begin()
    session = await session_of(office, worker)
    await put(office, worker, session, ["kept"])
    reader = Checkpoints(office.database, office.person.identity)
    assert await reader.aget_tuple(place(session)) is not None
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await put(office, office.person.identity, session, ["x"])


async def test_readers_do_not_wait_for_each_other(office: Office) -> None:
    """While one read of a saver is open, others of the same saver begin and end: no lock is held across them."""
    worker = await office.begin()
    session = await session_of(office, worker)
    await put(office, worker, session, ["kept"])
    saver = Checkpoints(office.database, office.person.identity)
    open_reads = [saver.alist(place(session)) for _ in range(3)]
    for read in open_reads:
        assert await anext(read)
    assert await saver.aget_tuple(place(session)) is not None
    for read in open_reads:
        with pytest.raises(StopAsyncIteration):
            await anext(read)


def naming_a_function(folder: Path) -> dict[str, bytes]:
    """Return stored bytes of each kind that name a function which would make a folder."""
    call = ("pathlib", "Path.mkdir", str(folder))
    return {
        "a constructor": ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("os", "mkdir", str(folder))))),
        "a constructor with a list": ormsgpack.packb(ormsgpack.Ext(1, ormsgpack.packb(("os", "mkdir", [str(folder)])))),
        "a constructor with names": ormsgpack.packb(
            ormsgpack.Ext(2, ormsgpack.packb(("os", "mkdir", {"path": str(folder)})))
        ),
        "a method": ormsgpack.packb(ormsgpack.Ext(3, ormsgpack.packb(("pathlib", "Path", str(folder), "mkdir")))),
        "something unknown": ormsgpack.packb(ormsgpack.Ext(99, ormsgpack.packb(call))),
    }


@pytest.mark.parametrize("kind", naming_a_function(Path()))
async def test_stored_bytes_run_nothing(office: Office, tmp_path: Path, kind: str) -> None:
    """Bytes in the database that name a function are read as data, or refused; the function does not run."""
    worker = await office.begin()
    session = await session_of(office, worker)
    await put(office, worker, session, ["kept"])
    folder = tmp_path / "made"
    async with office.working(worker) as scope:
        await scope.execute("update checkpoint_blobs set blob = %s", (naming_a_function(folder)[kind],))
    try:
        assert await Checkpoints(office.database, worker).aget_tuple(place(session)) is not None
    except ValueError:
        assert kind == "something unknown"
    assert not folder.exists()


def test_the_librarys_own_serializer_would_run_it(tmp_path: Path) -> None:
    """The same bytes make the folder with the default serializer: the strict one is what holds."""
    JsonPlusSerializer().loads_typed(("msgpack", naming_a_function(tmp_path / "made")["a constructor"]))
    assert (tmp_path / "made").exists()


def test_pickles_are_not_read() -> None:
    """A stored pickle is an unknown kind."""
    with pytest.raises(NotImplementedError):
        STRICT.loads_typed(("pickle", b"cos\nsystem\n(S'true'\ntR."))


class Seen(TypedDict):
    """The state of the smallest graph."""

    seen: list[str]


async def see(state: Seen) -> Seen:
    """Add a line."""
    return {"seen": [*state["seen"], "line"]}


async def test_what_a_caller_configures_is_not_stored(office: Office) -> None:
    """No value of a run's configuration or metadata reaches a checkpoint: it would stand there in plain text."""
    worker = await office.begin()
    session = await session_of(office, worker)
    graph = StateGraph(Seen)
    graph.add_node("see", see)
    graph.add_edge(START, "see")
    graph.add_edge("see", END)
    compiled = graph.compile(checkpointer=Checkpoints(office.database, worker))
    config: RunnableConfig = {
        "configurable": {"thread_id": str(session), "api_key": CANARY, "nested": {"token": CANARY}},
        "metadata": {"password": CANARY},
    }
    assert await compiled.ainvoke({"seen": []}, config) == {"seen": ["line"]}
    assert (await compiled.aget_state(place(session))).values == {"seen": ["line"]}
    text = await stored_text(office)
    assert "line" in text
    assert CANARY not in text
