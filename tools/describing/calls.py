"""Describe a call, whichever tool it is of; nothing is changed by that.

Rows are read through the SELECT-only role.
"""

from persistence.errors import StatementRefused
from tools.describing import calendar, projects, tasks
from tools.describing.description import Description, given
from tools.local_time import TimeRefused
from tools.tool import AnyTool, Args, Caller
from tools.wording import quoted
from tools.write.brain_dumps import CreateBrainDump
from tools.write.calendar import DeleteCalendarEvent, ScheduleTask, UpdateCalendarEvent, UpdateOrScheduleTask
from tools.write.notes import CreateNote
from tools.write.projects import UpdateProject
from tools.write.tasks import CreateTask, UpdateTask


async def described(tool: AnyTool, args: Args, caller: Caller) -> Description:
    """Return what a call is about and what it would change, as the rows stand now."""
    try:
        return await _described(tool, args, caller)
    except (TimeRefused, StatementRefused):  # the tool itself will refuse these values, and say why
        return Description(f"what {tool.name} was asked to change", given(args, caller))


async def _described(tool: AnyTool, args: Args, caller: Caller) -> Description:
    match args:
        case CreateTask():
            return await tasks.created(args, caller)
        case UpdateTask():
            return await tasks.updated(args, caller)
        case UpdateProject():
            return await projects.updated(args, caller)
        case CreateNote():
            named = f" {quoted(args.title)}" if args.title else ""
            return Description(f"a new note{named}", given(args, caller))
        case CreateBrainDump():
            return Description("a new brain dump", given(args, caller))
        case _:
            return await _of_calendar(tool, args, caller)


async def _of_calendar(tool: AnyTool, args: Args, caller: Caller) -> Description:
    match args:
        case ScheduleTask():
            return await calendar.scheduled(args, caller)
        case UpdateCalendarEvent():
            return await calendar.updated(args, caller)
        case DeleteCalendarEvent():
            return await calendar.deleted(args, caller)
        case UpdateOrScheduleTask():
            return await calendar.moved_or_scheduled(args, caller)
        case _:
            return Description(f"what the tool {tool.name} reaches", given(args, caller))
