"""Streamed plans live: `python -m tests.bench.streamed_plans`.

A real server runs 30 of the random plans of `tests.nodes.planning.streamed_plans`
that are no chains, one after the other, with a scripted model at their pace: 200 ms to the first token,
5 ms a token. The times are those of the run's own trace: from the moment the planner
is asked to the end of the last step, against what waves would have taken with the
same plan, written in the same time, and the same steps, each as long as it took here.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from statistics import mean, median
from typing import Any, Final

import httpx

from nodes.planning.rules import PLAN_TOOL, is_chain
from nodes.planning.worker import SUBMIT_TOOL
from tests.bench.serving import Served, served
from tests.nodes.planning.streamed_plans import (
    CHARS_PER_TOKEN,
    FAMILIES,
    FIRST_TOKEN_SECONDS,
    MODEL_CALLS,
    SEED,
    TOKEN_SECONDS,
    Drawn,
    drawn,
    in_waves,
    known_from,
    makespan,
)
from tests.scripted_model.replies import Reply, call, text, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.server import ScriptedModel

PLANS: Final = 30
MARK: Final = re.compile(r"\[\[plan (\d+)(?: step (\d+))?\]\]")


@dataclass(frozen=True)
class Live:
    """One plan as it ran: seconds."""

    streamed: float
    waves: float
    early: int
    steps: int


@dataclass(frozen=True)
class Speaking:
    """The model: writes the plan of the number that a request names, and takes the time of its steps."""

    plans: Sequence[Drawn]

    def __call__(self, request: ChatRequest) -> Reply:
        """Answer a request at the pace that is measured."""
        marks = MARK.findall(request.all_text)
        if SUBMIT_TOOL in request.offered:
            number, step = next(found for found in marks if found[1])
            seconds = self.plans[int(number)].seconds[int(step)] / MODEL_CALLS
            told = {"status": "complete", "summary": "Found it."}
            begins = request.last_role != "tool"
            return tools(call(_readable(request), {}) if begins else call(SUBMIT_TOOL, told)).delayed(seconds)
        if PLAN_TOOL in request.offered:
            arguments = self.plans[int(marks[-1][0])].text
            written = tools(call(PLAN_TOOL, arguments, piece_chars=CHARS_PER_TOKEN))
            return written.delayed(FIRST_TOKEN_SECONDS).paced(TOKEN_SECONDS)
        return text("Nothing is overdue.")


def _readable(request: ChatRequest) -> str:
    """Return the first tool that takes no arguments, or any."""
    return next((name for name in request.offered if name.startswith("list_")), request.offered[0])


def marked(plan: Drawn, number: int) -> Drawn:
    """Return a plan whose steps say in their descriptions which they are, as long as before."""
    body = json.loads(plan.text)
    for step in body["steps"]:
        mark = f"[[plan {number} step {step['stepNumber']}]]"
        step["description"] = mark + step["description"][len(mark) :]
        step["tools"] = ["list_tasks"]
    return replace(plan, text=json.dumps(body))


def live(client: httpx.Client, plan: Drawn, number: int) -> Live:
    """Run one plan and return what it took."""
    with client.stream("POST", "/api/agent/stream", json={"message": f"Read on. [[plan {number}]]"}) as answer:
        answer.raise_for_status()
        lines = [line for line in answer.iter_lines() if line.startswith("data:")]
    ended = json.loads(lines[-1].removeprefix("data:"))
    assert ended["type"] == "done", ended
    run_id = client.get("/api/agent/runs").raise_for_status().json()["runs"][0]["id"]
    return timed(client.get(f"/api/agent/runs/{run_id}").raise_for_status().json(), plan)


def timed(trace: Mapping[str, Any], plan: Drawn) -> Live:
    """Return the times of a run."""
    [asked] = [each for each in trace["model_calls"] if each["purpose"] == "decide"]
    began, written = _moment(asked["created_at"]), asked["duration_ms"] / 1000
    took = {each["step_number"]: each["duration_ms"] / 1000 for each in trace["executions"]}
    assert took.keys() == plan.seconds.keys(), "every step ran once"
    ends = [_moment(each["completed_at"]) for each in trace["executions"]]
    starts = [_moment(each["created_at"]) for each in trace["executions"]]
    waves = in_waves(replace(plan, seconds=took)) - plan.written_after + written
    return Live(
        streamed=(max(ends) - began).total_seconds(),
        waves=waves,
        early=sum((start - began).total_seconds() < written for start in starts),
        steps=len(starts),
    )


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def measure(server: Served, plans: Sequence[Drawn]) -> None:
    """Run the plans and print what they took."""
    with httpx.Client(base_url=server.base_url, headers=server.headers, timeout=120) as client:
        runs = [live(client, plan, number) for number, plan in enumerate(plans)]
    ratios = [run.streamed / run.waves for run in runs]
    simulated = [makespan(plan, known_from(plan)) / in_waves(plan) for plan in plans]
    print(
        f"{len(runs)} streamed plans live, seed {SEED}: makespan over waves mean {mean(ratios):.3f},"
        f" median {median(ratios):.3f}, worst {max(ratios):.3f};"
        f" all together {sum(run.streamed for run in runs) / sum(run.waves for run in runs):.3f};"
        f" simulated, the same plans: mean {mean(simulated):.3f};"
        f" {sum(run.early for run in runs)} of {sum(run.steps for run in runs)} steps began before their plan was whole"
    )


def main() -> None:
    """Start everything, measure, print."""
    dice = random.Random(SEED)
    wide = (plan for plan in iter(partial(drawn, dice, FAMILIES[0]), None) if not is_chain(plan.steps))
    plans = [marked(plan, number) for number, plan in enumerate(islice(wide, PLANS))]
    with ScriptedModel(Speaking(plans)) as model:
        models = {
            "PLANWRIGHT_MODEL_BASE_URL": model.base_url,
            "PLANWRIGHT_MODEL_API_KEY": "none",
            "PLANWRIGHT_PLANNER_MODEL": "deep",
            "PLANWRIGHT_LIMIT_PLAN_STEPS": "14",
        }
        with served(models) as server:
            measure(server, plans)


if __name__ == "__main__":
    main()
