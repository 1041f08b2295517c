"""What there is in a workspace, at one glance: enough to ask something sensible about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from persistence.scope import Scope

NAME_MAX_CHARS: Final = 60  # of a project, in a question


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Whether there is something of each kind; `project` is the one last changed that is active and has tasks."""

    overdue: bool
    open_tasks: bool
    events: bool
    notes: bool
    project: str | None


async def of(scope: Scope, today: datetime, until: datetime) -> Glimpse:
    """Return what there is: tasks that were to start before today, events between today and a moment, and so on."""
    return await scope.only(
        Glimpse,
        """
        select
            exists (select from tasks where deleted_at is null and status <> 'done' and start_date < %(today)s)
                as overdue,
            exists (select from tasks where deleted_at is null and status <> 'done') as open_tasks,
            exists (select from calendar_events where deleted_at is null and starts_at between %(today)s and %(until)s)
                as events,
            exists (select from notes) as notes,
            (
                select name from projects p
                where status = 'active' and length(name) <= %(name_chars)s and name !~ '[[:cntrl:]]'
                    and exists (select from tasks t where t.project_id = p.id and t.deleted_at is null)
                order by updated_at desc, id limit 1
            ) as project
        """,
        {"today": today, "until": until, "name_chars": NAME_MAX_CHARS},
    )
