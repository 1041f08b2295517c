"""The schema of the API: events, bodies, refusals and ways to sign in stand in it, whatever routes there are."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel, JsonValue

from nodes.vocabulary.events import EVENT, encoded
from server.app import HttpServer
from server.body_examples import EXAMPLES
from server.door import parsed
from server.openapi import Api, event_examples
from server.refusals import REFUSALS
from tests.docs.pages import fences
from tests.house.project import ROOT

OF_EVERY_ADDRESS: Final = {"method_not_allowed"}  # of a method that is none of its operations
Json = dict[str, Any]


class Wish(BaseModel):
    """A body."""

    words: str


@pytest.fixture
def schema(http_server: HttpServer) -> Json:
    """Give the schema of the whole API."""
    return http_server.api.openapi()


def operations(schema: Json) -> Iterator[tuple[str, Json]]:
    """Yield every operation with its name."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def refused_with(operation: Json) -> set[str]:
    """Return the codes that an operation says it can be refused with."""
    bodies = [response.get("content", {}).get("application/json", {}) for response in operation["responses"].values()]
    return {
        code
        for body in bodies
        if body.get("schema", {}).get("$ref", "").endswith("/Refusal")
        for code in body["examples"]
    }


def referred_to(value: JsonValue) -> Iterator[str]:
    """Yield every place that something refers to."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [str(inner)] if name == "$ref" else referred_to(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referred_to(inner)


def test_the_bodies_stay_in_the_schema_when_a_route_is_added() -> None:
    """The library makes its schema anew for another route; what we put beside it is put there again."""
    app = Api()
    app.bodies = (Wish,)
    assert {"Wish", "Event"} <= set(app.openapi()["components"]["schemas"])
    app.add_api_route("/late", lambda: None)
    schema = app.openapi()
    assert "/late" in schema["paths"]
    assert {"Wish", "Event", "Refusal"} <= set(schema["components"]["schemas"])


def test_every_refusal_is_documented(schema: Json) -> None:
    """Each code stands at some operation, with its status and with a body as it is sent."""
    said = {code for _, operation in operations(schema) for code in refused_with(operation)}
    assert said == set(REFUSALS) - OF_EVERY_ADDRESS
    assert schema["components"]["schemas"]["Refusal"]["properties"]["code"]["enum"] == sorted(REFUSALS)
    for name, operation in operations(schema):
        for status, response in operation["responses"].items():
            for code in response.get("content", {}).get("application/json", {}).get("examples", {}):
                assert str(REFUSALS[code][0]) == status, (name, code)
    examples = schema["components"]["examples"]
    assert {code: example["value"] for code, example in examples.items()} == {
        code: {"error": text, "code": code} for code, (_, text) in REFUSALS.items()
    }


def test_no_answer_of_the_library_is_promised(schema: Json) -> None:
    """What FastAPI would answer to a wrong parameter is not in the schema: we answer otherwise."""
    assert "ValidationError" not in json.dumps(schema)


def test_whoever_signs_in_knows_how(schema: Json) -> None:
    """A token or the page's cookie is asked for everywhere, but where anybody may ask; 401 is said there alone."""
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "page"}
    assert schema["security"] == [{"bearer": []}, {"page": []}]
    for name, operation in operations(schema):
        is_open = operation.get("security") == []
        assert ("unauthorized" in refused_with(operation)) is not is_open, name


def test_every_event_has_a_true_example(schema: Json) -> None:
    """The examples are those of docs/events.md, each an event of its type, and stand at the types and in the stream."""
    examples = event_examples()
    assert examples == [json.loads(block) for block in fences(ROOT / "docs" / "events.md", "json")]
    assert [json.loads(encoded(EVENT.validate_python(example))) for example in examples] == examples
    types = schema["components"]["schemas"]["Event"]["discriminator"]["mapping"]
    for kind, place in types.items():
        held = schema["components"]["schemas"][place.rpartition("/")[2]]["examples"]
        assert held == [example for example in examples if example["type"] == kind]
    stream = schema["paths"]["/api/agent/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]
    frames = [example["value"].splitlines()[1] for example in stream["examples"].values()]
    assert [json.loads(frame.removeprefix("data: ")) for frame in frames] == examples


def test_every_body_has_examples_that_are_taken(http_server: HttpServer, schema: Json) -> None:
    """Each body's examples are bodies of that kind, as the door reads them."""
    assert isinstance(http_server.api, Api)
    models = {model.__name__: model for model in http_server.api.bodies}
    assert set(EXAMPLES) == set(models)
    for name, examples in EXAMPLES.items():
        for value in examples.values():
            assert isinstance(parsed(json.dumps(value).encode(), models[name]), models[name])
    taking = [operation["requestBody"] for _, operation in operations(schema) if "requestBody" in operation]
    assert all(body["content"]["application/json"]["examples"] for body in taking)


def test_every_operation_says_what_it_does(schema: Json) -> None:
    """Its summary is the beginning of its description, and no two operations share one."""
    told = {name: operation["summary"] for name, operation in operations(schema)}
    assert [name for name, operation in operations(schema) if not operation["description"].startswith(told[name])] == []
    assert len(set(told.values())) == len(told)


def test_everything_referred_to_is_there(schema: Json) -> None:
    """No reference leads nowhere, and no two things share a name."""
    for place in set(referred_to(schema)):
        found: Any = schema
        for part in place.removeprefix("#/").split("/"):
            found = found[part]
        assert found is not None
