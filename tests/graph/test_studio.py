"""The entry point for LangGraph Studio."""

import importlib
import inspect
import json

from graph.build import build
from graph.studio import studio
from nodes.vocabulary.state import State
from tests.house.project import ROOT


def test_the_named_factory_gives_the_graph() -> None:
    """langgraph.json names a factory without parameters that compiles the graph as it is run."""
    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["planwright"]
    module, _, factory = named.partition(":")
    made = getattr(importlib.import_module(module), factory)
    assert not inspect.signature(made).parameters
    assert made is studio
    assert made().get_graph().draw_mermaid() == build().get_graph().draw_mermaid()


def test_studio_can_describe_input_and_output() -> None:
    """The graph's input and output have JSON schemas, without a database or a model."""
    schemas = [studio().get_input_jsonschema(), studio().get_output_jsonschema()]
    assert [schema["properties"].keys() for schema in schemas] == [State.__annotations__.keys()] * 2
