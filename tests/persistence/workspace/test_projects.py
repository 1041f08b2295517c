"""The questions asked of the `projects` table."""

import pytest

from persistence.scope import Role
from persistence.workspace import projects
from persistence.workspace.projects import TaskCounts
from tests.workspace_rows import NEVER_USED, Desk


@pytest.mark.parametrize(
    ("done", "left", "percent"), [(0, 0, 0), (0, 3, 0), (1, 2, 33), (2, 1, 66), (199, 1, 99), (3, 0, 100)]
)
def test_completion_is_rounded_down(done: int, left: int, percent: int) -> None:
    """100 % means that nothing is left, 0 % also that there is nothing."""
    assert TaskCounts(backlog=left, in_progress=0, blocked=0, done=done).completion_percent == percent


async def test_a_project_is_kept_while_something_is_made_in_it(desk: Desk) -> None:
    """`keep` says whether the project is there, and `name_of` what it is called."""
    project = await desk.add_project("Launch")
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        assert await projects.keep(scope, project)
        assert not await projects.keep(scope, NEVER_USED)
        assert await projects.name_of(scope, project) == "Launch"
        assert await projects.name_of(scope, NEVER_USED) is None


async def test_someone_elses_project_is_not_there_for_any_question(desk: Desk, strangers: Desk) -> None:
    """Row security answers every question about another person's project with nothing."""
    project = await strangers.add_project()
    await strangers.add("phases", project_id=project, name="p", position=0)
    await strangers.add_task(project_id=project)
    async with desk.database.acting(Role.WORKER, desk.person.identity) as scope:
        assert await projects.find_to_change(scope, project) is None
        assert not await projects.keep(scope, project)
        assert await projects.name_of(scope, project) is None
        assert await projects.phases(scope, project) == []
        assert (await projects.task_counts(scope, project)).total == 0
        assert await projects.search(scope, projects.Wanted(), 10) == []
