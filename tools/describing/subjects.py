"""What a call is about, as a person would name it: the words of its row, or of the row it would make."""

from dataclasses import dataclass

from persistence.workspace import calendar, projects, tasks
from persistence.workspace.calendar import Event
from persistence.workspace.projects import Project
from persistence.workspace.tasks import Task
from tools.tool import Args, Caller
from tools.write.brain_dumps import CreateBrainDump
from tools.write.calendar import DeleteCalendarEvent, ScheduleTask, UpdateCalendarEvent, UpdateOrScheduleTask
from tools.write.notes import CreateNote
from tools.write.projects import UpdateProject
from tools.write.tasks import CreateTask, UpdateTask


@dataclass(frozen=True, slots=True)
class Subject:
    """A row that a call reaches or would make: the texts it can be known by, and the row itself if it is there."""

    texts: tuple[str, ...]
    row: Task | Event | Project | None = None


async def subject_of(args: Args, caller: Caller) -> Subject | None:
    """Return what a call is about, of an added tool its arguments; None when there is no such row."""
    match args:
        case CreateTask():
            return Subject((args.title,))
        case CreateNote():
            return Subject((args.title or "", args.content))
        case CreateBrainDump():
            return Subject((args.content,))
        case _:
            return await _existing(args, caller)


async def _existing(args: Args, caller: Caller) -> Subject | None:
    async with caller.reading() as scope:
        match args:
            case UpdateTask() | ScheduleTask() | UpdateOrScheduleTask():
                task = await tasks.find(scope, args.task_id)
                return None if task is None else Subject((task.title, task.project_name or ""), task)
            case UpdateCalendarEvent() | DeleteCalendarEvent():
                event = await calendar.find(scope, args.event_id)
                return None if event is None else Subject((event.summary, event.task_title or ""), event)
            case UpdateProject():
                project = await projects.find(scope, args.project_id)
                return None if project is None else Subject((project.name,), project)
            case _:
                return Subject((args.model_dump_json(),)) if args.model_fields_set else None
