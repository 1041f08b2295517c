"""The `held_events` table: what happens in steps whose plan nobody has been told of yet.

It is written in the transaction of what it reports, like the log itself, so a
crash loses none of it. The run's fence puts all these transactions in one order:
whatever commits before the plan is announced is held, whatever comes after is not.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from persistence.runs.events import IF_CALLED, Appended, KeyedEvent, columns
from persistence.scope import Scope


def hold_or_append(
    scope: Scope, run_id: UUID, step_number: int, events: Sequence[KeyedEvent], call_id: UUID | None = None
) -> Appended:
    """Keep a step's events until the run's plan is announced; when it has been, append them as any others."""
    where = "" if call_id is None else IF_CALLED
    sent = scope.send(
        f"""
        with draft as materialized (select from agent_plans where run_id = %(run)s and revision = 0),
        held as (
            insert into held_events (run_id, step_number, key, type, payload)
            select %(run)s, %(step)s, given.key, given.type, given.payload
            from draft, unnest(%(keys)s::text[], %(types)s::text[], %(payloads)s::text[])
                with ordinality as given (key, type, payload, place)
            {where}
            order by given.place
            on conflict do nothing)
        select unnest(case
            when exists (select from draft) then array_fill(null::integer, array[cardinality(%(keys)s::text[])])
            else append_events(%(keys)s, %(types)s, %(payloads)s) end) as seq
        {where}
        """,
        {"run": run_id, "step": step_number, "call": call_id, **columns(events)},
    )
    return Appended(sent, events)


async def take(scope: Scope, run_id: UUID) -> list[KeyedEvent]:
    """Take out everything that is held of a run, oldest first."""
    return await scope.all(
        KeyedEvent,
        """
        with taken as (delete from held_events where run_id = %s returning id, key, type, payload)
        select key, type, payload from taken order by id
        """,
        (run_id,),
    )


def drop(scope: Scope, run_id: UUID, step_numbers: Collection[int]) -> None:
    """Forget what is held of these steps: they are in no plan."""
    scope.send("delete from held_events where run_id = %s and step_number = any(%s)", (run_id, list(step_numbers)))
