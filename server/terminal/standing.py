"""Where a run stands in its table, in words."""

from persistence.runs.runs import RunStatus


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
