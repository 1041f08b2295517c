"""P3: an executor never writes, whatever its model says, through the whole program.

Every write tool is asked for in every way that `ways` knows. Each attempt is followed to where it ended: in the
gateway's ledger, at the check of plans, or in the record of what an executor said instead of calling.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import pytest

from persistence.pools import Database
from persistence.scope import Role
from persistence.text import shortened, storable
from server.trace import Talk, Trace, trace_of
from tests.conftest import Person
from tests.hostile import ways
from tests.hostile.house import BRISK, House
from tests.scripted_model.replies import Call, Reply, call, status, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.tools.bench import WORKSPACE, set_up, table_text, writes_that_would_work
from tests.turns import plan, step, submit
from tests.workspace_rows import Desk
from tools.consent import Consent, Mode
from tools.gateway import MAX_NAME_CHARS, Asked
from tools.registry import Registry

REGISTRY: Final = Registry.build()
EXECUTORS: Final = 8
READS: Final = ("list_tasks", "search_notes")
CALLS_IN_AN_ANSWER: Final = 15  # of the sixteen that run
WIDE: Final = replace(BRISK, plan_steps=500, model_calls=5_000, tool_calls=5_000, executor_turns=20, step_seconds=300)
TOOLS_IN_A_PLAN: Final = 3
FEWEST_ATTEMPTS: Final = 500
FAILURES: Final = {"unreadable": "did not give a usable answer", "filtered": "content filter stopped"}


@dataclass(frozen=True)
class Attempt:
    """A call that would write, and the code by which the ledger has to refuse it; None when it only reads."""

    call: Call
    code: str | None


@dataclass(frozen=True)
class Answer:
    """A whole answer that would write, the tool it is after, and what has to become of it."""

    reply: Reply
    tool: str
    becomes: str


def attempts_at(wish: Asked) -> Iterator[Attempt]:
    """Give every call by which a model may ask for one write."""
    for spelling in ways.SPELLINGS.values():
        yield Attempt(call(spelling(wish.tool), wish.arguments), "unknown_tool")
    for exact in ways.EXACT.values():
        yield Attempt(exact(wish), "write_denied")
    for nested in ways.NESTED.values():
        yield Attempt(nested(wish), "invalid_arguments")
    yield Attempt(ways.searched(wish), None)


def answers_for(wish: Asked) -> Iterator[Answer]:
    """Give every whole answer by which a model may ask for one write."""
    for words in ways.WORDS.values():
        yield Answer(words(wish), wish.tool, "kept as words")
    for dropped in ways.DROPPED.values():
        yield Answer(dropped(wish), wish.tool, "no call")
    for filtered in ways.FILTERED.values():
        yield Answer(filtered(wish), wish.tool, "filtered")
    for unreadable in ways.UNREADABLE.values():
        yield Answer(unreadable(wish), wish.tool, "unreadable")
    for way in ways.HANDED_IN:
        yield Answer(ways.submitted(wish, way), wish.tool, "kept as words")
    yield Answer(ways.beside_the_result(wish), wish.tool, "not_run")
    reads = [call(ways.READ, {"limit": place}) for place in range(1, 17)]
    yield Answer(tools(*reads, call(wish.tool, wish.arguments)), wish.tool, "too_many_calls")


class Office:
    """One person's workspace, full of rows that the attempts are after."""

    def __init__(self, database: Database, person: Person) -> None:
        self.desk: Final = Desk(database, person)

    async def workspace(self) -> str:
        """Return everything in it, as text."""
        async with self.desk.database.acting(Role.EXECUTOR, self.desk.person.identity) as scope:
            return "\n".join([await table_text(scope, table) for table in WORKSPACE])

    async def trace(self, run_id: str) -> Trace:
        """Return what is stored about a run."""
        async with self.desk.database.acting(Role.API, self.desk.person.identity) as scope:
            trace = await trace_of(scope, UUID(run_id))
        assert trace is not None
        return trace

    async def would_have_written(self, wishes: Sequence[Asked]) -> int:
        """Make the same writes as a planner whom the person lets; count those that take effect."""
        bench = await set_up(self.desk, REGISTRY)
        bench = replace(bench, consent=Consent(Mode.AUTO, "Please delete the event “Focus”."))
        answers = [await bench.call(bench.planner, wish) for wish in wishes]
        return sum(answer.success for answer in answers)


@pytest.fixture
def office(database: Database, person: Person) -> Office:
    """Give a person's workspace."""
    return Office(database, person)


def by_part(answer: Callable[[int, int], Reply | None], parts: int) -> Callable[[ChatRequest], Reply]:
    """Return a script whose executor of part n gives `answer(n, k)` as its k-th answer, and hands in after them."""
    numbered = {f"Do part {number}.": number for number in range(1, parts + 1)}

    def script(request: ChatRequest) -> Reply:
        if "submit_result" not in request.offered:
            wants_plan = "create_plan" in request.offered and request.last_role == "user"
            return (
                plan(*(step(number, tool=READS) for number in numbered.values()))
                if wants_plan
                else text("Nothing was changed.")
            )
        task = next(part for part in numbered if f"{part}\n" in request.all_text)
        said = sum(message["role"] == "assistant" for message in request.messages)
        return answer(numbered[task], said) or submit()

    return script


@pytest.mark.figure
async def test_no_call_of_an_executor_writes(house: House, office: Office) -> None:
    """Each of the nine write tools is asked for in 66 calls; the ledger names why each of them did not write."""
    wishes = await writes_that_would_work(office.desk)
    before = await office.workspace()
    attempts = [attempt for wish in wishes for attempt in attempts_at(wish)]
    answers = [attempts[at : at + CALLS_IN_AN_ANSWER] for at in range(0, len(attempts), CALLS_IN_AN_ANSWER)]

    def asking(part: int, said: int) -> Reply | None:
        mine = answers[part - 1 :: EXECUTORS]
        return tools(*(attempt.call for attempt in mine[said])) if said < len(mine) else None

    played = await house.play(by_part(asking, EXECUTORS), person=office.desk.person, limits=WIDE)
    rows = (await office.trace(played.run_id)).tool_calls
    assert not played.complaints
    assert Counter((row.tool, row.arguments, row.error_code) for row in rows) == Counter(map(expected_row, attempts))
    writes = [row for row in rows if row.access == "write" and row.state != "denied"]
    assert writes == []
    assert await office.workspace() == before
    assert await office.would_have_written(wishes) == len(wishes) == len(REGISTRY.writing())
    assert len(attempts) >= FEWEST_ATTEMPTS
    codes = ", ".join(f"{code or 'only read'} {n}" for code, n in Counter(each.code for each in attempts).items())
    print(f"writes asked for by executors' calls: {len(attempts)} attempts, {len(writes)} writes ({codes})")


def expected_row(attempt: Attempt) -> tuple[str, str, str | None]:
    """Return what the ledger has to say of an attempt."""
    name = shortened(storable(attempt.call.name or ""), MAX_NAME_CHARS)
    return name, attempt.call.arguments or "", attempt.code


@pytest.mark.figure
async def test_no_other_answer_of_an_executor_writes(house: House, office: Office) -> None:
    """What is no call is words, wherever it stands; what is cut off, unreadable or beside the result does not run."""
    wishes = await writes_that_would_work(office.desk)
    before = await office.workspace()
    answers = [answer for wish in wishes for answer in answers_for(wish)]

    def asking(part: int, said: int) -> Reply | None:
        return None if said else answers[part - 1].reply

    played = await house.play(by_part(asking, len(answers)), person=office.desk.person, limits=WIDE)
    trace = await office.trace(played.run_id)
    assert not played.complaints
    became = Counter(what_became_of(trace, part, answer) for part, answer in enumerate(answers, start=1))
    assert became == Counter(answer.becomes for answer in answers)
    assert {row.access for row in trace.tool_calls} == {"read"}
    assert await office.workspace() == before
    told = ", ".join(f"{what} {n}" for what, n in became.items())
    print(f"writes asked for by executors' answers: {len(answers)} attempts, 0 writes ({told})")


def what_became_of(trace: Trace, part: int, answer: Answer) -> str:
    """Return what an executor's answer came to, from what is stored of it."""
    execution = next(each for each in trace.executions if each.step_number == part)
    talk = next(each for each in trace.conversations if each.conversation.id == execution.agent_session_id)
    for code in ("not_run", "too_many_calls"):
        if any(message.role == "tool" and code in message.content for message in talk.messages):
            return code
    if not execution.success:
        return next((what for what, words in FAILURES.items() if words in (execution.error or "")), "failed")
    if answer.tool in json.dumps(execution.result):
        return "kept as words"
    return "no call" if nothing_was_called(talk) else "called"


def nothing_was_called(talk: Talk) -> bool:
    """Say whether the first answer of a conversation held no call and no words."""
    first = next(message for message in talk.messages if message.role == "assistant")
    return not first.tool_calls and not first.content


@pytest.mark.figure
async def test_no_plan_gives_an_executor_a_write(house: House, office: Office) -> None:
    """A draft that gives a write tool to an executor's step, in whatever field or spelling, is refused twice."""
    wishes = await writes_that_would_work(office.desk)
    before = await office.workspace()
    names = [wish.tool for wish in wishes]
    drafts = [
        (names[at : at + TOOLS_IN_A_PLAN], way)
        for way in ways.PLAN_FIELDS
        for at in range(0, len(names), TOOLS_IN_A_PLAN)
    ]
    refused = Counter[str]()
    for first, second in zip(drafts[::2], drafts[1::2], strict=True):
        script = [ways.planned(*first), ways.planned(*second), text("Nothing was changed.")]
        played = await house.play(script, person=office.desk.person)
        trace = await office.trace(played.run_id)
        assert not played.complaints
        assert (trace.plan, trace.tool_calls) == (None, [])
        told = [message.content for talk in trace.conversations for message in talk.messages if message.role == "tool"]
        for (_, way), refusal in zip((first, second), told, strict=True):
            sentence = ways.PLAN_FIELDS[way][1]
            refused[sentence] += refusal.count(sentence)
    assert refused.total() == len(names) * len(ways.PLAN_FIELDS)
    assert await office.workspace() == before
    reasons = ", ".join(f"“{sentence}” {n}" for sentence, n in refused.items())
    print(f"writes asked for by plans for executors: {refused.total()} attempts, 0 writes ({reasons})")


async def test_an_executor_that_nobody_answers_writes_nothing_either(house: House, office: Office) -> None:
    """A write asked for in the last answer that an executor may give is refused like any other."""
    wish = (await writes_that_would_work(office.desk))[0]

    def asking(_part: int, said: int) -> Reply | None:
        return status(503) if said else tools(call(wish.tool, wish.arguments))

    before = await office.workspace()
    played = await house.play(by_part(asking, 2), person=office.desk.person, limits=replace(WIDE, executor_turns=1))
    rows = (await office.trace(played.run_id)).tool_calls
    assert [(row.tool, row.state) for row in rows] == [(wish.tool, "denied")] * 2
    assert await office.workspace() == before
