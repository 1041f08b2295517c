"""Step results: what is kept of them, and what later prompts show."""

import json
from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from nodes.planning.worker import SubmitResult
from nodes.vocabulary.events import Step, StepStatus
from persistence.text import in_stored_order, shortened, storable, storable_json
from persistence.visible import visible

DATA_BYTES: Final = 12_000  # with all below and the step's own words an event stays under 32 KB
SUMMARY_BYTES: Final = 6_000
QUESTION_BYTES: Final = 400
ERROR_BYTES: Final = 1_000
MAX_QUESTIONS: Final = 10


def kept(result: SubmitResult) -> dict[str, JsonValue]:
    """Return a result as the plan keeps it and gives it back; data that is too large is left out, and said so."""
    data: JsonValue = result.data
    if data is not None and _json_bytes(data) > DATA_BYTES:
        data = {"note": "The data was too large to keep; the summary stands."}
    questions = [_within(question, QUESTION_BYTES) for question in (result.open_questions or [])[:MAX_QUESTIONS]]
    body: dict[str, JsonValue] = {"status": result.status, "summary": _within(result.summary, SUMMARY_BYTES)}
    if data is not None:
        body["data"] = data
    if questions:
        body["open_questions"] = list[JsonValue](questions)
    cleaned = in_stored_order(storable_json(body))
    assert isinstance(cleaned, dict), "cleaning keeps the shape"
    return cleaned


def reason(result: SubmitResult | None) -> str:
    """Return why an executor's own account is no success."""
    return "It handed in nothing." if result is None else storable(_within(result.summary, ERROR_BYTES))


def shown(steps: Sequence[Step], result_chars: int) -> str:
    """Return finished steps as a JSON list for a prompt; a long result loses its data first, then its end."""
    return visible(json.dumps([_shown(step, result_chars) for step in steps], ensure_ascii=False))


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


def _within(text: str, limit_bytes: int) -> str:
    """Return the text cut so that its JSON is no longer than that: a sign may take one byte or six."""
    while (size := _json_bytes(text)) > limit_bytes:
        text = shortened(text, max(len(text) * limit_bytes // size - 1, 1))
    return text


def _json_bytes(value: JsonValue) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
