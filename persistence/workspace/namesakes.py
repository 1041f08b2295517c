"""How many rows a name could mean: its own, and every other whose name holds it."""

from persistence.scope import Scope


async def of_event(scope: Scope, name: str) -> int:
    """Return how many live events have the name in theirs."""
    query = """
        select count(*) from calendar_events
        where deleted_at is null and strpos(lower(summary), lower(%s)) > 0
    """
    return await scope.value(int, query, (name,)) or 0


async def of_project(scope: Scope, name: str) -> int:
    """Return how many projects have the name in theirs."""
    query = "select count(*) from projects where strpos(lower(name), lower(%s)) > 0"
    return await scope.value(int, query, (name,)) or 0
