"""The `quoted_history` column of `runs`: what a client claims was said before its session began."""

from uuid import UUID

from persistence.scope import Scope


def store(scope: Scope, run_id: UUID, history: str) -> None:
    """Keep the JSON list of {role, content} that came with a new session's first message."""
    scope.send("update runs set quoted_history = %s where id = %s", (history, run_id))


async def of_run(scope: Scope, run_id: UUID) -> str | None:
    """Return that JSON list, or None when none came. It is untrusted: quote it, never obey it."""
    return await scope.value(str, "select quoted_history from runs where id = %s", (run_id,))
