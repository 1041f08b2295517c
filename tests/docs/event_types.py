"""Writes clients/typescript/events.ts: the events as TypeScript types, from their JSON Schema."""

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue, TypeAdapter

from nodes.vocabulary.events import EVENT
from tests.house.project import ROOT

FILE: Final = ROOT / "clients/typescript/events.ts"
HEAD: Final = """\
// Written by `make docs` from nodes/vocabulary/events.py. Do not edit.
// Fields with `?` are left out where there is nothing.
"""
WORDS: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
JSON_VALUE: Final = "string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }"

Schema = dict[str, JsonValue]
SCHEMA: Final[TypeAdapter[Schema]] = TypeAdapter(Schema)


def event_types() -> str:
    """Return the file: a type for each class, and their union."""
    schema = EVENT.json_schema(mode="serialization")
    union = " | ".join(_type(SCHEMA.validate_python(one)) for one in schema["oneOf"])
    named = "\n".join(_declared(name, SCHEMA.validate_python(one)) for name, one in schema["$defs"].items())
    return f"{HEAD}\n{named}\nexport type Event = {union};\n"


def _declared(name: str, schema: Schema) -> str:
    said = _comment(schema)
    if name == "JsonValue":
        return f"export type JsonValue = {JSON_VALUE};\n"
    if "properties" not in schema:
        return f"{said}export type {name} = {_type(schema)};\n"
    return f"{said}export interface {name} {{\n" + "".join(f"  {line}\n" for line in _fields(schema)) + "}\n"


def _comment(schema: Schema) -> str:
    """Return the class's own sentences."""
    lines = str(schema.get("description", "")).replace("\n\n", "\n").splitlines()
    if len(lines) < 2:
        return "".join(f"/** {line} */\n" for line in lines)
    return "/**\n" + "".join(f" * {line}\n" for line in lines) + " */\n"


def _fields(schema: Schema) -> Iterator[str]:
    required = schema.get("required", [])
    assert isinstance(required, list), "as JSON Schema has it"
    for name, one in SCHEMA.validate_python(schema["properties"]).items():
        field = SCHEMA.validate_python(one)
        may_be_absent = name not in required and field.get("default", "") is None
        yield f"{name}{'?' if may_be_absent else ''}: {_type(field)};"


def _type(schema: Schema) -> str:
    """Return a piece of the schema as TypeScript; an absent field is absent, not null."""
    match schema:
        case {"$ref": str(place)}:
            written = place.rpartition("/")[2]
        case {"const": value}:
            written = f'"{value}"'
        case {"enum": list(values)}:
            written = " | ".join(f'"{value}"' for value in values)
        case {"anyOf": list(ways)}:
            found = [_type(SCHEMA.validate_python(way)) for way in ways]
            written = " | ".join(way for way in found if way != "null" or "default" not in schema)
        case {"type": "array", "items": items}:
            written = f"{_type(SCHEMA.validate_python(items))}[]"
        case {"type": "object", "additionalProperties": values}:
            written = f"{{ [name: string]: {_type(SCHEMA.validate_python(values))} }}"
        case _:
            written = WORDS[str(schema.get("type"))]
    return written


if __name__ == "__main__":
    FILE.write_text(event_types())
