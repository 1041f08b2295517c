"""Step results: what is kept of them, and what later prompts show."""

import json
from collections.abc import Sequence

from pydantic import JsonValue

from nodes.planning.worker import SubmitResult
from nodes.vocabulary.events import Step, StepStatus
from persistence.text import shortened, storable_json

DATA_CHARS = 12_000  # with the summary and the step's words an event stays below 32 KB
SUMMARY_CHARS = 4_000
QUESTION_CHARS = 300
MAX_QUESTIONS = 10


def kept(result: SubmitResult) -> dict[str, JsonValue]:
    """Return a result as the plan keeps it; data that is too large is left out, and said so."""
    data: JsonValue = result.data
    if data is not None and len(json.dumps(data, ensure_ascii=False)) > DATA_CHARS:
        data = {"note": "The data was too large to keep; the summary stands."}
    questions = [shortened(question, QUESTION_CHARS) for question in (result.open_questions or [])[:MAX_QUESTIONS]]
    body: dict[str, JsonValue] = {"status": result.status, "summary": shortened(result.summary, SUMMARY_CHARS)}
    if data is not None:
        body["data"] = data
    if questions:
        body["open_questions"] = list[JsonValue](questions)
    cleaned = storable_json(body)
    assert isinstance(cleaned, dict), "cleaning keeps the shape"
    return cleaned


def shown(steps: Sequence[Step], result_chars: int) -> str:
    """Return finished steps as a JSON list for a prompt; a long result loses its data first, then its end."""
    return json.dumps([_shown(step, result_chars) for step in steps], ensure_ascii=False)


def _shown(step: Step, result_chars: int) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {
        "stepNumber": step.step_number,
        "description": step.description,
        "status": step.status.value,
    }
    if step.status is not StepStatus.COMPLETED:
        return {**row, "error": step.error}
    result: dict[str, JsonValue] = step.result if isinstance(step.result, dict) else {"summary": step.result}
    if len(json.dumps(result, ensure_ascii=False)) > result_chars:
        result = {"summary": shortened(str(result.get("summary", "")), result_chars)}
    return {**row, **{name: value for name, value in result.items() if name != "status"}}
