"""What a scripted model says of the question what a run may change."""

from collections.abc import Mapping

from pydantic import JsonValue

from tests.scripted_model.replies import Reply, call, tools
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script
from tools.intents import INTENTS_TOOL

Intent = Mapping[str, JsonValue]


def everything(request: ChatRequest) -> Reply:
    """Allow every kind of change, of anything: of a script whose writes are all meant."""
    return allows(*({"change": kind, "names": []} for kind in request.kinds_of_change))


def only(*intents: Intent) -> Script:
    """Return the script that allows just these changes."""
    return lambda _: allows(*intents)


def allows(*intents: Intent) -> Reply:
    """Return the reply that allows these changes."""
    return tools(call(INTENTS_TOOL, {"changes": [dict(intent) for intent in intents]}))
