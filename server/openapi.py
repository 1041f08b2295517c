"""What OpenAPI cannot find by itself: the bodies we read, the events, every way to be refused, and how to sign in."""

import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from nodes.vocabulary.events import EVENT
from server.body_examples import EXAMPLES
from server.cookies import NAME
from server.refusals import REFUSALS

Schema = dict[str, Any]  # FastAPI's own type for pieces of OpenAPI
_PLACE: Final = "#/components/schemas/{model}"
JSON_BODY: Final = "application/json"
STREAM_BODY: Final = "text/event-stream"

ABOUT: Final = """\
A planner and its executors over a person's projects, tasks, notes, brain dumps and calendar.

Sign in with **Authorize** below: with a token that `planwright token new` made, or one that `planwright serve` prints.
In a browser that is signed in to the page nothing is needed. A run is told by its events; `POST /api/agent/stream`
answers with them.

Whatever is refused gets a small body, `{"error": …, "code": …}`, and never repeats what was sent.
"""
OPEN: Final[Schema] = {"security": []}
SCHEMES: Final[Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API token, or a JSON Web Token."},
    "page": {"type": "apiKey", "in": "cookie", "name": NAME, "description": "The session of the web page."},
}

FOR_ANYBODY: Final = ("bad_host", "bad_request", "headers_too_large", "internal", "database_unavailable")
WHEN_SIGNED_IN: Final = ("unauthorized", "cross_site", "forbidden", "too_many_failures")
WITH_AN_ID: Final = ("not_found", "invalid_id")
WITH_PARAMETERS: Final = ("invalid_field", "illegal_character")
WITH_PAGES: Final = ("bad_page",)
WITH_A_BODY: Final = (
    "body_required",
    "duplicate_key",
    "invalid_json",
    "not_finite",
    "request_timeout",
    "body_too_large",
    "unsupported_media_type",
    "illegal_character",
    "invalid_field",
    "invalid_id",
    "json_too_deep",
    "json_too_large",
    "not_an_object",
    "number_out_of_range",
    "unknown_field",
)
_OF_THE_LIBRARY: Final = ("HTTPValidationError", "ValidationError")  # what FastAPI would answer, and we do not
_SENTENCE: Final = re.compile(r"[^.;:]+")


def event_examples() -> list[Schema]:
    """Return an event of each type, as `docs/events.md` shows them."""
    examples: list[Schema] = json.loads(files("server").joinpath("event_examples.json").read_text("utf-8"))
    return examples


def _frames() -> Schema:
    """Return each example as it stands in a stream."""
    frames: Schema = {}
    for number, event in enumerate(event_examples(), start=1):
        name = event["type"] if event["type"] not in frames else f"{event['type']}, otherwise"
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        frames[name] = {"value": f"id: {number}\ndata: {line}\n\n"}
    return frames


EVENTS: Final[dict[int | str, Schema]] = {
    200: {
        "description": "Server-sent events: `id` is the event's number in its run, `data` one event as JSON.",
        "content": {STREAM_BODY: {"schema": {"$ref": _PLACE.format(model="Event")}, "examples": _frames()}},
    }
}


def body_as(model: type[BaseModel]) -> Schema:
    """Return the documentation of a body that the door reads as `model`."""
    content: Schema = {"schema": {"$ref": _PLACE.format(model=model.__name__)}}
    if examples := EXAMPLES.get(model.__name__):
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"requestBody": {"required": True, "content": {JSON_BODY: content}}}


def header(name: str, about: str) -> Schema:
    """Return the documentation of a header that an endpoint reads itself."""
    return {"parameters": [{"name": name, "in": "header", "description": about, "schema": {"type": "string"}}]}


def refusing(*codes: str) -> dict[int | str, Schema]:
    """Return the documentation of what an endpoint is refused with, beside what all others are."""
    statuses = sorted({REFUSALS[code][0] for code in codes})
    return {status: _refusal([code for code in codes if REFUSALS[code][0] == status]) for status in statuses}


def _refusal(codes: Sequence[str]) -> Schema:
    status = REFUSALS[codes[0]][0]
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in sorted(set(codes))}
    response: Schema = {
        "description": " ".join(dict.fromkeys(REFUSALS[code][1] for code in sorted(set(codes)))),
        "content": {JSON_BODY: {"schema": {"$ref": _PLACE.format(model="Refusal")}, "examples": examples}},
    }
    if status in {429, 503}:
        about = {"description": "Seconds after which the same may succeed.", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": about}
    return response


class Api(FastAPI):
    """FastAPI, whose schema also holds the events, the bodies, the refusals and the ways to sign in."""

    bodies: tuple[type[BaseModel], ...] = ()

    def openapi(self) -> Schema:
        """Return the schema, made once, and again when a route was added."""
        schema: Schema = super().openapi()
        parts: Schema = schema.setdefault("components", {})
        schemas: Schema = parts.setdefault("schemas", {})
        if "Event" not in schemas:
            schema["security"] = [{name: []} for name in SCHEMES]
            parts["securitySchemes"] = SCHEMES
            parts["examples"] = {
                code: {"summary": text, "value": {"error": text, "code": code}} for code, (_, text) in REFUSALS.items()
            }
            for body in self.bodies:
                _add(schemas, body.__name__, body.model_json_schema(ref_template=_PLACE))
            _add(schemas, "Event", _events())
            for name in _OF_THE_LIBRARY:
                schemas.pop(name, None)
            schemas["Refusal"] = _REFUSAL
            for operation in _operations(schema):
                _complete(operation)
        return schema


_REFUSAL: Final[Schema] = {
    "title": "Refusal",
    "description": "Why a request is not served.",
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "description": "One sentence, for people."},
        "code": {"type": "string", "enum": sorted(REFUSALS)},
    },
}


def _events() -> Schema:
    """Return the schema of an event, each type with its examples."""
    schema = EVENT.json_schema(mode="serialization", ref_template=_PLACE)
    types: dict[str, str] = schema["discriminator"]["mapping"]
    for event in event_examples():
        name = types[event["type"]].rpartition("/")[2]
        schema["$defs"][name].setdefault("examples", []).append(event)
    return schema


def _operations(schema: Schema) -> Iterator[Schema]:
    for methods in schema.get("paths", {}).values():
        yield from methods.values()


def _complete(operation: Schema) -> None:
    """Give an operation its summary, and everything that it can be refused with."""
    if found := _SENTENCE.match(operation.get("description", "")):
        operation["summary"] = found[0]
    responses: Schema = operation["responses"]
    codes = [*_said(responses), *_usual(operation)]
    for status in {REFUSALS[code][0] for code in codes}:
        responses[str(status)] = _refusal([code for code in codes if REFUSALS[code][0] == status])
    operation["responses"] = dict(sorted(responses.items()))


def _said(responses: Schema) -> Iterator[str]:
    """Yield the codes that an endpoint names itself, and take away what the library says in our place."""
    for status in [status for status in responses if int(status) >= 400]:  # noqa: PLR2004 - where refusals begin
        for body in responses.pop(status).get("content", {}).values():
            yield from body.get("examples", ())


def _usual(operation: Schema) -> Iterator[str]:
    yield from FOR_ANYBODY
    if operation.get("security") != []:
        yield from WHEN_SIGNED_IN
    parameters = [one["name"] for one in operation.get("parameters", [])]
    if parameters:
        yield from WITH_PARAMETERS
    if any(name.endswith("_id") for name in parameters):
        yield from WITH_AN_ID
    if "limit" in parameters:
        yield from WITH_PAGES
    if "requestBody" in operation:
        yield from WITH_A_BODY


def _add(schemas: Schema, name: str, schema: Schema) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
