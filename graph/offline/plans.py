"""A plan as the offline model writes it, and the findings that come back from one."""

import json
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from graph.offline.reading import json_at_start
from graph.offline.rows import Row, rows_in, text_of

PLANNER_TYPE: Final = "write"
EXECUTOR_TYPE: Final = "gather"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Its description says everything: an executor sees nothing else of the plan."""

    number: int
    description: str
    tools: tuple[str, ...]
    depends_on: tuple[int, ...] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Several things to read side by side, and what to change afterwards."""

    reasoning: str
    goal: str
    steps: tuple[Step, ...]

    def as_arguments(self) -> dict[str, JsonValue]:
        """Return the arguments of `create_plan`."""
        steps: list[JsonValue] = [
            {
                "stepNumber": step.number,
                "type": PLANNER_TYPE if step.writes else EXECUTOR_TYPE,
                "description": step.description,
                "executorRequired": not step.writes,
                "tools": [*step.tools],
                "dependsOn": [*step.depends_on],
            }
            for step in self.steps
        ]
        return {"reasoning": self.reasoning, "goal": self.goal, "steps": steps}

    def without(self, refused: str) -> "Plan":
        """Return the plan without the steps that a refusal names by number or tool, and those that wait for them."""
        gone = {step.number for step in self.steps if _is_named(step, refused)}
        for _ in self.steps:
            gone |= {step.number for step in self.steps if gone & set(step.depends_on)}
        return Plan(self.reasoning, self.goal, tuple(step for step in self.steps if step.number not in gone))


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a step."""

    description: str
    summary: str = ""
    data: Row = field(default_factory=dict[str, JsonValue])
    error: str | None = None


def findings_in(text: str) -> list[Finding]:
    """Return the findings that a prompt's section begins with, a JSON list; none when it is something else."""
    return [_finding(row) for row in rows_in({"steps": json_at_start(text)}, "steps")]


def rows_of(findings: list[Finding], name: str) -> Row:
    """Return the data of every finding that has such rows, joined under that name."""
    joined = [row for finding in findings for row in rows_in(finding.data, name)]
    return {name: [*joined]}


def missing(findings: list[Finding]) -> list[str]:
    """Return, in a sentence each, what could not be found out."""
    return [f"{finding.description}: {finding.error}" for finding in findings if finding.error is not None]


def _finding(row: Row) -> Finding:
    error = None
    if text_of(row, "status") in {"failed", "skipped"}:
        error = text_of(row, "error") or "it did not succeed"
    data = row.get("data")
    return Finding(text_of(row, "description"), text_of(row, "summary"), data if isinstance(data, dict) else {}, error)


def _is_named(step: Step, refused: str) -> bool:
    return f"tep {step.number} " in refused or any(json.dumps(tool)[1:-1] in refused for tool in step.tools)
