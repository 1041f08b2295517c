"""What a call would do to the tasks."""

from datetime import datetime

from persistence.scope import Scope
from persistence.workspace import calendar, tasks
from persistence.workspace.tasks import Task
from tools import agenda, events_as_json
from tools.describing.description import Change, Description, differences, given, not_found
from tools.tool import Caller
from tools.wording import quoted
from tools.write.tasks import CreateTask, UpdateTask, wanted
from tools.write.updates import differing


async def created(args: CreateTask, caller: Caller) -> Description:
    """Describe a new task."""
    return Description(f"a new task {quoted(args.title)}", given(args, caller))


async def updated(args: UpdateTask, caller: Caller) -> Description:
    """Describe a change of a task, and what becomes of its calendar event.

    Raises:
        LocalTimeInvalid: the new start is no time that can be stored.
    """
    async with caller.reading() as scope:
        task = await tasks.find(scope, args.task_id)
        if task is None:
            return not_found("task", args.task_id)
        values, _ = wanted(args.updates, task, caller)
        changes = differing(task, values)
        moves = await _event_change(scope, task, changes, caller) if "start_date" in changes else ()
    return Description(f"the task {quoted(task.title)}", (*differences(task, changes, caller), *moves))


async def _event_change(scope: Scope, task: Task, changes: dict[str, object], caller: Caller) -> tuple[Change, ...]:
    event = await calendar.find_of_task(scope, task.id)
    if event is None:
        return ()
    stays = isinstance(changes["start_date"], datetime)
    return (Change("calendar_event", events_as_json.named(agenda.entry_of(event), caller), "moves" if stays else None),)
