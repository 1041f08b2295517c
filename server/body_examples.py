"""Bodies that work as they stand, for whoever tries the API out; where an id is needed, it is one of nobody's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

SOME_ID: Final = "9b32d016-0000-4000-8000-000000000000"

Examples = Mapping[str, dict[str, JsonValue]]

EXAMPLES: Final[Mapping[str, Examples]] = MappingProxyType(
    {
        "Ask": {
            "a question": {"message": "What is overdue?"},
            "a plan": {"message": "Help me organize my project tasks for next week", "route": "plan"},
            "an answer at once": {"message": "What can you do?", "route": "answer"},
            "writes that wait for a person": {"message": "Create a task “Call Ann” for Monday", "approvals": "ask"},
            "the next message of a session": {"message": "And what is next?", "session_id": SOME_ID},
        },
        "SessionChange": {
            "another title": {"title": "Monday"},
            "writes wait from now on": {"approvals": "ask"},
        },
        "Decision": {
            "approve all": {"digest": "0" * 64, "decision": "approve"},
            "approve without one of them": {
                "digest": "0" * 64,
                "decision": "approve",
                "calls": {SOME_ID: {"drop": True}},
            },
            "approve with other arguments": {
                "digest": "0" * 64,
                "decision": "approve",
                "calls": {SOME_ID: {"arguments": {"title": "Call Ann"}}},
            },
            "deny": {"digest": "0" * 64, "decision": "deny", "note": "Not this week."},
        },
        "Fork": {
            "from a step on, writes only tried out": {"from_step": 1},
            "with a step in other words": {"from_step": 1, "step_words": "List the tasks of all projects."},
            "with another message": {"message": "What is overdue in my projects?"},
            "with writes that take effect": {"from_step": 1, "writes": "live"},
        },
        "NewToken": {
            "one that reads and writes": {"name": "laptop", "days": 30},
            "one that only reads": {"name": "dashboard", "days": 366, "scopes": ["read"]},
        },
        "Code": {"the code of a link": {"code": "pwl_"}},
    }
)
