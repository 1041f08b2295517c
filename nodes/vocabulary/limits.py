"""The bounds of a turn, in one place. An operator may change each by a setting."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What stops a runaway turn, and a person's too many. Each default is with its reason."""

    requests_per_minute: int = 20  # messages of one person accepted in any 60 seconds
    tokens_per_minute: int = 30_000  # of one person's model calls in any 60 seconds; the offline model's are free
    token_wait_seconds: float = 20.0  # that a model call waits for room among them
    runs_at_once: int = 4  # of one person; further ones wait, so that others find a place
    message_bytes: int = 16 * 1024  # of UTF-8: 16,384 plain letters, 4,096 emoji
    event_bytes: int = 32 * 1024  # what a reader has to hold of one event; the tables have the whole of it
    supersteps: int = 60  # of the graph: twelve turns of the planner's loop and three plans
    wall_seconds: float = 600.0  # a person has long gone by then
    model_calls: int = 40  # a plan of 12 steps with two calls each, routing, repair, replan and the answer
    approvals: int = 8  # times that one run asks its person: who is asked more often stops reading
    tool_calls: int = 100  # 8 executors that each look up a dozen things
    plan_steps: int = 12  # more is a project, not a plan
    plan_width: int = 8  # executors at once in one run
    plan_depth: int = 6  # steps on the longest chain
    plan_revisions: int = 2  # a third plan has not helped in any case seen
    planner_turns: int = 12  # model calls of the planner's own loop
    executor_turns: int = 6  # model calls of one executor
    step_attempts: int = 2  # a step that failed for a passing reason is tried once more
    step_seconds: float = 120.0  # one step, all its calls together
    first_token_seconds: float = 30.0  # a model that is silent this long has stalled
    token_gap_seconds: float = 20.0  # the same between two tokens
    call_seconds: float = 120.0  # one model call as a whole
    call_attempts: int = 3  # tries of one model call, before anything was shown
    answer_tokens: int = 4_000  # of one model answer, thinking included: reserved, and told the provider as its bound
    executor_answer_tokens: int = 2_000  # the same for an executor's
    answer_chars: int = 60_000  # longer answers are cut and say so
    history_messages: int = 20  # earlier messages the planner is shown
    history_chars: int = 16_000  # and how much of them
    snapshot_chars: int = 6_000  # of the context snapshot, about 2,000 tokens
    prompt_chars: int = 300_000  # of a conversation sent to a model: some 75,000 tokens; old results are left out first
    result_chars: int = 4_000  # of one step's result in a later prompt
