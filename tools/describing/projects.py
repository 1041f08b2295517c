"""What a call would do to the projects."""

from persistence.workspace import namesakes, projects
from tools.describing.description import Description, differences, not_found
from tools.tool import Caller
from tools.wording import quoted
from tools.write.projects import UpdateProject
from tools.write.updates import differing


async def updated(args: UpdateProject, caller: Caller) -> Description:
    """Describe a change of a project."""
    async with caller.reading() as scope:
        project = await projects.find(scope, args.project_id)
        if project is None:
            return not_found("project", args.project_id)
        alone = await namesakes.of_project(scope, project.name) == 1
    wanted = args.updates.given()
    is_the_status = alone and wanted.keys() == {"status"}  # who asks for that did not ask for other changes
    changes = differences(project, differing(project, wanted), caller)
    return Description(f"the project {quoted(project.name)}", changes, project.name if is_the_status else None)
