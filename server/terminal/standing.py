"""Where a run stands in its table, and what it was made from, in words."""

from persistence.runs.runs import Run, RunStatus, Writes


def status_words(status: str, queue_place: int) -> str:
    """Return where a run stands, as its row has it, in words."""
    match status:
        case RunStatus.QUEUED if queue_place:
            return f"queued behind {queue_place}"
        case RunStatus.RUNNING:
            return "working"
        case RunStatus.WAITING:
            return "waiting for your approval"
        case RunStatus.ERROR:
            return "failed"
        case _:
            return status


def rerun_words(run: Run) -> str:
    """Return what a run was made from, and how it differs from that."""
    if run.writes == Writes.RECORDED:
        return f"a replay of run {run.replay_of}"
    begins = "anew" if run.from_step is None else f"from step {run.from_step}"
    asked = "" if run.asked_model is None else f", asking {run.asked_model}"
    return f"a fork of run {run.replay_of}, {begins}{asked}, its writes {run.writes}"
