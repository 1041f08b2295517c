"""What this process counts, for Prometheus: refusals, model calls, tool calls, and what it takes of the machine.

No label holds anything of a person. The values of each are few: codes and
statuses of ours, and the models that the operator named.
"""

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from persistence.runs.usage import Usage

CALL_BUCKETS_SECONDS: Final = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)  # a call takes 120 s at most

COUNTED: Final = CollectorRegistry()
ProcessCollector(registry=COUNTED)

REFUSALS: Final = Counter("planwright_refusals", "Requests that were not served.", ["code"], registry=COUNTED)
_MODEL_CALLS: Final = Histogram(
    "planwright_model_call_seconds",
    "Model calls made here, and how they ended.",
    ["model", "outcome"],
    buckets=CALL_BUCKETS_SECONDS,
    registry=COUNTED,
)
_TOKENS: Final = Counter("planwright_model_tokens", "Tokens of model calls.", ["model", "kind"], registry=COUNTED)
_TOOL_CALLS: Final = Counter(
    "planwright_tool_calls",
    "Tool calls made here and what they came to; a denied one has a code.",
    ["state", "code"],
    registry=COUNTED,
)


_calls: Final = cache(_MODEL_CALLS.labels)  # which looks at each value anew
_tokens: Final = cache(_TOKENS.labels)
_tool_calls: Final = cache(_TOOL_CALLS.labels)


class Counted:
    """Counts what runs do. Implements `Counters`."""

    def model_called(self, model: str, outcome: str, seconds: float, used: Usage) -> None:
        """Count a model call."""
        _calls(model, outcome).observe(seconds)
        _tokens(model, "prompt").inc(used.prompt_tokens)
        _tokens(model, "completion").inc(used.completion_tokens)

    def tool_answered(self, state: str, denial: str) -> None:
        """Count a tool call."""
        _tool_calls(state, denial).inc()
