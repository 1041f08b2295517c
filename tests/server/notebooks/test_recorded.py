"""A run as it is recorded, looked at in a notebook."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Final

import pytest

from graph.debug import Table
from server.exports.bundle import Bundle, read_bundle
from server.notebooks.recorded import Recorded
from tests.displayed import Seen, assert_harmless, displayed
from tests.page.hostile_text import HOSTILE
from tests.server.exports.hostile_pages import open_texts, with_text
from tests.server.exports.test_bundle import RELEASED
from tests.server.exports.test_page import ENDING

RUN: Final = Recorded(read_bundle(RELEASED.read_bytes()))
COLOURS: Final = "\x1b[31mred\x1b[0m\x1b]0;title\x07"


def everything_of(run: Recorded) -> Iterator[object]:
    """Yield the run and everything that it shows."""
    yield from (run, run.plan(), run.timeline(), run.steps(), run.usage(), run.tools(), run.events(), run.diff(run))
    yield run.diff(Recorded(answering(run.bundle, f"{run.answer}\nOne line more.")))


def answering(bundle: Bundle, answer: str) -> Bundle:
    """Return the run with another answer."""
    messages = [replace(each, content=answer) if each.role == "assistant" else each for each in bundle.messages]
    return replace(bundle, messages=messages)


@cache
def saying(words: str) -> Recorded:
    """Return a run in which these words begin every text that could be any."""
    document = json.loads(RELEASED.read_bytes())
    for path in open_texts():
        document = with_text(document, path, words)
    return Recorded(read_bundle(json.dumps(document).encode()))


def column(table: Table, head: str) -> list[str]:
    """Return what stands below a head."""
    return [row[table.heads.index(head)] for row in table.rows]


@pytest.mark.parametrize("words", [*HOSTILE, *ENDING, COLOURS])
def test_no_text_of_a_run_becomes_markup(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in a record is shown as text, and showing it opens no socket."""
    for thing in everything_of(saying(words)):
        assert_harmless(displayed(thing, monkeypatch))


def test_hostile_words_are_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not swallowed: the reader sees what was said."""
    run = saying("<b>bold</b>")
    for thing in (run, run.steps(), run.tools(), run.events()):
        data = displayed(thing, monkeypatch)
        assert "<b>bold</b>" in "".join(Seen(data["text/html"]).texts)
        assert "<b>bold</b>" in data["text/plain"]


def test_a_run_is_told_in_a_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name alone a run says what was asked, how it ended and what it took."""
    data = displayed(RUN, monkeypatch)
    assert RUN.status == "done"
    for words in (
        str(RUN.id),
        RUN.bundle.trace.run.request,
        "done · stop",
        RUN.answer,
        f"{RUN.bundle.sums.tool_calls}",
    ):
        assert words in data["text/plain"]
        assert words in " ".join(" ".join(Seen(data["text/html"]).texts).split())


def test_usage_adds_up_to_the_run() -> None:
    """Each model call is a row; the last row holds the sums, which are those of the run."""
    table, run = RUN.usage(), RUN.bundle.trace.run
    *calls, sums = column(table, "prompt")
    assert len(calls) == len(RUN.bundle.trace.model_calls) > 1
    assert sum(int(count.replace(",", "")) for count in calls) == run.prompt_tokens
    assert sums == f"{run.prompt_tokens:,}"
    assert column(table, "answer")[-1] == f"{run.completion_tokens:,}"
    assert column(table, "for")[-1] == f"{len(calls)} calls"


def test_a_price_that_is_not_known_is_not_made_up() -> None:
    """A model without a price has no cost."""
    calls = [replace(call, cost=replace(call.cost, amount=None)) for call in RUN.bundle.trace.model_calls]
    run = Recorded(replace(RUN.bundle, trace=replace(RUN.bundle.trace, model_calls=calls)))
    assert set(column(run.usage(), "cost")[:-1]) == {"not known"}


def test_tools_say_who_called_what_and_what_came_of_it() -> None:
    """One row for each call, in the ledger's words."""
    table, made = RUN.tools(), RUN.bundle.trace.tool_calls
    assert column(table, "tool") == [call.tool for call in made]
    assert column(table, "state") == [call.state for call in made]
    assert {"executor 1", "executor 2", "planner"} == set(column(table, "who"))
    assert all(column(table, "result"))


def test_a_result_that_is_no_json_has_no_sentence() -> None:
    """A record is shown whatever stands in it."""
    calls = [
        replace(call, result=result)
        for call, result in zip(RUN.bundle.trace.tool_calls, ("[1", "[]", '{"message": 1}'), strict=True)
    ]
    run = Recorded(replace(RUN.bundle, trace=replace(RUN.bundle.trace, tool_calls=calls)))
    assert column(run.tools(), "result") == ["", "", ""]


def test_steps_say_what_each_took_and_in_what() -> None:
    """A step has its time and, of it, that of models and tools; the critical path is marked."""
    table, trace = RUN.steps(), RUN.bundle.trace
    assert column(table, "step") == ["1", "2", "3"]
    assert column(table, "by") == ["executor", "executor", "planner"]
    spent = [
        sum(call.duration_ms or 0 for call in trace.tool_calls if call.step_number == number) for number in (1, 2, 3)
    ]
    assert column(table, "tools") == [f"{ms} ms" for ms in spent]
    assert all(took.endswith("ms") for took in column(table, "models"))
    assert column(table, "waited for")[2] == "yes"


def test_events_are_the_log() -> None:
    """Every event is a row with its number, its type and its step."""
    table, logged = RUN.events(), RUN.bundle.events
    assert column(table, "seq") == [str(event.seq) for event in logged]
    assert column(table, "type") == [str(event.event["type"]) for event in logged]
    assert {"1", "2", "3", ""} == set(column(table, "step"))
    assert table.rows[-1][-1] == "stop"


def test_removed_events_are_said_to_be() -> None:
    """An empty log says since when it is."""
    run = replace(RUN.bundle.trace.run, events_expired_at=datetime(2026, 11, 2, tzinfo=UTC))
    bare = Recorded(replace(RUN.bundle, trace=replace(RUN.bundle.trace, run=run), events=[]))
    assert bare.events().title == "The events were removed on 2026-11-02"


def test_a_run_beside_itself_is_the_same() -> None:
    """Nothing differs, and no line stands in one answer alone."""
    *_, steps, _, answers = RUN.diff(RUN).tables
    assert set(column(steps, "alike")) == {"yes"}
    assert answers.title == "The answers are the same"


def test_a_diff_shows_the_lines_that_only_one_answer_has() -> None:
    """Lines of both are left out; the others say whose they are."""
    other = Recorded(answering(RUN.bundle, f"{RUN.answer}\nOne line more."))
    assert RUN.diff(other).tables[-1].rows == (("+", "One line more."),)
    assert other.diff(RUN).tables[-1].rows == (("-", "One line more."),)


def test_a_run_without_a_plan_has_nothing_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty picture and an empty table are no error."""
    bare = Recorded(replace(RUN.bundle, trace=replace(RUN.bundle.trace, plan=None)))
    assert_harmless(displayed(bare.plan(), monkeypatch))
    assert bare.steps().rows == ()
    assert RUN.diff(bare).tables[1].rows[0][1:4] == ("no", "completed", "–")
