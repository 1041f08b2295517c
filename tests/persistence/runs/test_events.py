"""The event log: numbers without gaps, keys once, one end, and only from the attempt that holds the run."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.errors import Fenced, StatementRefused
from persistence.runs import events
from persistence.runs.events import KeyedEvent, Streamed
from persistence.scope import Identity, Role
from tests.run_rows import Office, run_of

WRITERS = 8
EACH = 15


def said(key: str, text: str = "x") -> KeyedEvent:
    """Return a piece of the answer."""
    return KeyedEvent(key, "text", f'{{"type":"text","content":"{text}"}}')


async def keys_of(office: Office, run_id: UUID | None) -> list[str]:
    """Return the keys of a run's log, in order."""
    async with office.asking() as scope:
        joined = await scope.value(
            str, "select string_agg(key, ' ' order by seq) from run_events where run_id = %s", (run_id,)
        )
    return (joined or "").split()


async def test_numbers_have_no_gaps_whoever_writes(office: Office) -> None:
    """Eight writers at once fill the numbers from 1 without a gap, and each one's events stay in order."""
    worker = await office.begin()

    async def write(writer: int) -> None:
        for number in range(EACH):
            await office.append(worker, [said(f"{writer}:{number}:a"), said(f"{writer}:{number}:b")])

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    log = await office.log_of(run_of(worker))
    assert [event.seq for event in log] == list(range(1, WRITERS * EACH * 2 + 1))
    keys = await keys_of(office, worker.run_id)
    for writer in range(WRITERS):
        own = [key for key in keys if key.startswith(f"{writer}:")]
        assert own == [f"{writer}:{number}:{half}" for number in range(EACH) for half in "ab"]
    assert (await office.row(run_of(worker))).last_seq == len(log)


async def test_a_reader_never_misses_an_event(office: Office) -> None:
    """Whoever polls behind the last number seen gets every event, though eight writers commit meanwhile."""
    worker = await office.begin()
    total = WRITERS * EACH

    async def write(writer: int) -> None:
        for number in range(EACH):
            await office.append(worker, [said(f"{writer}:{number}")])

    async def read() -> list[int]:
        seen: list[int] = []
        while len(seen) < total:
            async with office.asking() as scope:
                page = await events.after(scope, run_of(worker), seen[-1] if seen else 0, 7)
            seen += [event.seq for event in page]
        return seen

    seen, *_ = await asyncio.gather(read(), *(write(writer) for writer in range(WRITERS)))
    assert seen == list(range(1, total + 1))


BATCHES = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5), max_size=8)


@settings(max_examples=30)
@given(BATCHES)
async def test_a_key_stands_in_the_log_once(office: Office, batches: list[list[str]]) -> None:
    """Whatever is appended again, in one batch or another, the log is the keys in the order they first came."""
    worker = await office.begin()
    for batch in batches:
        await office.append(worker, [said(key) for key in batch])
    first_seen = list(dict.fromkeys(key for batch in batches for key in batch))
    assert await keys_of(office, worker.run_id) == first_seen
    assert [event.seq for event in await office.log_of(run_of(worker))] == list(range(1, len(first_seen) + 1))


@settings(max_examples=15)
@given(BATCHES)
async def test_no_interleaving_doubles_or_loses_a_key(office: Office, batches: list[list[str]]) -> None:
    """Appended side by side, every key stands there once, and the numbers have no gap."""
    worker = await office.begin()
    await asyncio.gather(*(office.append(worker, [said(key) for key in batch]) for batch in batches))
    assert sorted(await keys_of(office, worker.run_id)) == sorted({key for batch in batches for key in batch})
    log = await office.log_of(run_of(worker))
    assert [event.seq for event in log] == list(range(1, len(log) + 1))


async def test_the_first_payload_of_a_key_stays(office: Office) -> None:
    """A step that runs again and says something else under its old key changes nothing."""
    worker = await office.begin()
    await office.append(worker, [said("k", "first"), said("k", "second")])
    await office.append(worker, [said("k", "third")])
    async with office.asking() as scope:
        assert await events.texts(scope, run_of(worker)) == "first"


async def test_a_log_goes_on_behind_the_apis_first_event(office: Office) -> None:
    """The API writes number 1 when it accepts a message; the worker's first event is number 2."""
    run = await office.queue()
    async with office.asking() as scope:
        events.open_log(scope, run.id, KeyedEvent("session", "session", "{}"))
    await office.append(await office.take(run.id), [said("k")])
    assert [(event.seq, event.type) for event in await office.log_of(run.id)] == [(1, "session"), (2, "text")]


@pytest.mark.parametrize("first", ["done", "error"])
@pytest.mark.parametrize("second", ["done", "error"])
async def test_a_run_ends_once(office: Office, first: str, second: str) -> None:
    """A second terminal event is refused, under whatever key."""
    worker = await office.begin()
    await office.append(worker, [KeyedEvent("end", first, "{}")])
    with pytest.raises(StatementRefused):
        await office.append(worker, [said("late"), KeyedEvent("another end", second, "{}")])
    assert [event.type for event in await office.log_of(run_of(worker))] == [first]


async def test_nothing_follows_the_end(office: Office) -> None:
    """A run that has ended takes no more events."""
    worker = await office.begin()
    await office.append(worker, [KeyedEvent("end", "done", "{}")])
    await office.finish(worker)
    with pytest.raises(Fenced):
        await office.append(worker, [said("late")])


async def test_an_unknown_type_is_refused(office: Office) -> None:
    """The log takes the twelve events and no other."""
    worker = await office.begin()
    with pytest.raises(StatementRefused):
        await office.append(worker, [KeyedEvent("k", "thirteenth", "{}")])


async def test_an_earlier_attempt_appends_nothing(office: Office) -> None:
    """A worker that woke up after its run was taken over cannot write into its log."""
    worker = await office.begin()
    later = await office.take(run_of(worker))
    with pytest.raises(Fenced):
        await office.append(worker, [said("late")])
    await office.append(later, [said("in-time")])
    assert await keys_of(office, worker.run_id) == ["in-time"]


async def test_a_worker_without_a_run_appends_nothing(office: Office) -> None:
    """Only a worker that names a run has a log."""
    await office.begin()
    with pytest.raises(Fenced):
        await office.append(office.person.identity, [said("k")])


async def test_events_are_undone_with_what_they_report(office: Office) -> None:
    """An event whose transaction fails was never there, and its number goes to the next one."""
    worker = await office.begin()
    with pytest.raises(ZeroDivisionError):
        await append_and_fail(office, worker)
    await office.append(worker, [said("kept")])
    assert await keys_of(office, worker.run_id) == ["kept"]
    assert [event.seq for event in await office.log_of(run_of(worker))] == [1]


async def append_and_fail(office: Office, worker: Identity) -> None:
    """Append an event in a transaction that does not end well."""
    async with office.working(worker) as scope:
        events.append(scope, [said("undone")])
        raise ZeroDivisionError


async def test_a_page_of_the_log_is_as_long_as_asked(office: Office) -> None:
    """Reading goes on behind a number, at most so many events."""
    worker = await office.begin()
    await office.append(worker, [said(str(number)) for number in range(5)])
    async with office.asking() as scope:
        assert [event.seq for event in await events.after(scope, run_of(worker), 2, 2)] == [3, 4]
        assert await events.after(scope, run_of(worker), 5, 2) == []


async def test_the_answer_is_the_texts_in_order(office: Office) -> None:
    """What a person reads later is what was streamed, joined."""
    worker = await office.begin()
    await office.append(worker, [said("synthesis:1", "Hel"), KeyedEvent("c", "tool_call", "{}"), said("b", "lo ü")])
    async with office.asking() as scope:
        assert await events.texts(scope, run_of(worker)) == "Hello ü"
        assert await events.streamed(scope, run_of(worker), "synthesis:") == Streamed(anything=True, the_part=True)
        assert await events.streamed(scope, run_of(worker), "other:") == Streamed(anything=True, the_part=False)


async def test_nobody_reads_anothers_log(office: Office, strangers_office: Office) -> None:
    """A run of someone else has no events."""
    worker = await office.begin()
    await office.append(worker, [said("k", "canary")])
    assert await strangers_office.log_of(run_of(worker)) == []
    async with strangers_office.asking() as scope:
        assert await events.texts(scope, run_of(worker)) == ""


async def test_the_log_is_never_rewritten(office: Office) -> None:
    """No login may change or delete an event."""
    for role in Role:
        async with office.database.acting(role, office.person.identity) as scope:
            held = await scope.value(
                bool,
                "select has_table_privilege('run_events', 'update, delete, truncate')"
                " or has_any_column_privilege('run_events', 'update')",
            )
        assert held is False
