"""The `write_intents` table: what a run may change, taken once from its person's own words."""

from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import JsonValue

from persistence.scope import Scope


async def store(scope: Scope, run_id: UUID, intents: list[JsonValue]) -> None:
    """Keep what was taken; what stands there already stays."""
    await scope.execute(
        "insert into write_intents (run_id, intents) values (%s, %s) on conflict do nothing", (run_id, Jsonb(intents))
    )


async def of_run(scope: Scope, run_id: UUID) -> str | None:
    """Return the JSON list of a run's intents, None before they were taken."""
    return await scope.value(str, "select intents::text from write_intents where run_id = %s", (run_id,))
