"""What OpenAPI cannot find by itself: the bodies we read, and the union of the events."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from nodes.vocabulary.events import EVENT

Schema = dict[str, Any]  # FastAPI's own type for pieces of OpenAPI
_PLACE: Final = "#/components/schemas/{model}"

EVENTS: Final[dict[int | str, Schema]] = {
    200: {
        "description": "Server-sent events: `id` is the event's number in its run, `data` one event as JSON.",
        "content": {"text/event-stream": {"schema": {"$ref": _PLACE.format(model="Event")}}},
    }
}


def body_as(model: type[BaseModel]) -> Schema:
    """Return the documentation of a body that the door reads as `model`."""
    schema = {"$ref": _PLACE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


class Api(FastAPI):
    """FastAPI, whose schema also holds the events and the bodies."""

    bodies: tuple[type[BaseModel], ...] = ()

    def openapi(self) -> Schema:
        """Return the schema, made once, and again when a route was added."""
        schema: Schema = super().openapi()
        schemas: Schema = schema.setdefault("components", {}).setdefault("schemas", {})
        if "Event" not in schemas:
            for body in self.bodies:
                _add(schemas, body.__name__, body.model_json_schema(ref_template=_PLACE))
            _add(schemas, "Event", EVENT.json_schema(mode="serialization", ref_template=_PLACE))
        return schema


def _add(schemas: Schema, name: str, schema: Schema) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
