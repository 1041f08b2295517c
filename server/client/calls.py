"""What can be asked of a server besides following a run, one function for each address of docs/http.md.

    page = client.call(calls.runs(Wanted(statuses=[RunStatus.ERROR])))
    trace = client.call(calls.trace(page.runs[0].id))

The answers are the server's own rows, so this module imports what the server has of
them; `clients` alone is lighter. Lists come in pages: `after` is the `next` of the one before.
"""

from datetime import datetime
from types import NoneType
from uuid import UUID

from persistence.record.sessions import Session
from persistence.runs.listing import Wanted
from persistence.workspace.brain_dumps import BrainDump
from persistence.workspace.notes import Note
from persistence.workspace.projects import Project
from persistence.workspace.tasks import Task
from server.client.call import Call
from server.client.following import Wish
from server.client.sending import Approvals, Branch
from server.comparing import Comparison
from server.exports.bundle import Bundle
from server.routes.doctor import CheckUp
from server.routes.examples import Examples
from server.routes.installation import SettingsView
from server.routes.reruns import NewRun
from server.routes.runs import RunList
from server.routes.sessions import SessionPage
from server.routes.stream import SessionWithMessages
from server.routes.workspace import BrainDumpPage, CalendarEntry, CalendarWindow, NotePage, ProjectPage, TaskPage
from server.trace import Trace
from server.undoing import Undoing

SESSIONS = "/api/agent/sessions"
RUNS = "/api/agent/runs"
WORKSPACE = "/api/workspace"
EVERYTHING = Wanted()

Query = dict[str, tuple[str, ...]]


def sessions(search: str = "", *, limit: int | None = None, after: str | None = None) -> Call[SessionPage]:
    """List active sessions, the one last used first, or those whose title contains a text."""
    return Call(Wish("GET", SESSIONS, query=_searched(search, limit, after)), SessionPage)


def session(session_id: UUID) -> Call[SessionWithMessages]:
    """Read one session and its messages, in order."""
    return Call(Wish("GET", "/api/agent/stream", query=_named("session_id", session_id)), SessionWithMessages)


def change_session(session_id: UUID, *, title: str | None = None, approvals: Approvals | None = None) -> Call[Session]:
    """Give a session another title, another mode of approvals, or both."""
    wanted = {"title": title, "approvals": approvals}
    body = {name: value for name, value in wanted.items() if value is not None}
    return Call(Wish("PATCH", f"{SESSIONS}/{session_id}", body), Session)


def delete_session(session_id: UUID) -> Call[None]:
    """Stop what runs in a session and delete it, with everything that belongs to it."""
    return Call(Wish("DELETE", f"{SESSIONS}/{session_id}"), NoneType)


def runs(
    wanted: Wanted = EVERYTHING,
    *,
    session_id: UUID | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> Call[RunList]:
    """List runs, newest first: those that are wanted, of all sessions or of one."""
    query = {
        **_searched(wanted.search, limit, after),
        "status": tuple(wanted.statuses),
        "strategy": tuple(wanted.strategies),
        **_named("session_id", session_id),
        **_window(wanted.since, wanted.until),
    }
    return Call(Wish("GET", RUNS, query=query), RunList)


def trace(run_id: UUID) -> Call[Trace]:
    """Read everything that is stored about a run, but for its event log."""
    return Call(Wish("GET", f"{RUNS}/{run_id}"), Trace)


def replay(run_id: UUID) -> Call[NewRun]:
    """Let a run happen again from its record: no model is asked, and nothing is written to the workspace."""
    return Call(Wish("POST", f"{RUNS}/{run_id}/replay"), NewRun)


def fork(run_id: UUID, branch: Branch) -> Call[NewRun]:
    """Let a run go another way: from a step on, with another message, or with another model."""
    return Call(Wish("POST", f"{RUNS}/{run_id}/fork", branch.body()), NewRun)


def compare(run_id: UUID, other_id: UUID) -> Call[Comparison]:
    """Put two runs side by side: steps, tools, tokens, times, answers."""
    return Call(Wish("GET", f"{RUNS}/{run_id}/compare/{other_id}"), Comparison)


def bundle(run_id: UUID) -> Call[Bundle]:
    """Read everything that is recorded of a run, its event log too."""
    return Call(Wish("GET", f"{RUNS}/{run_id}/export", query={"as": ("json",)}), Bundle)


def undo(run_id: UUID) -> Call[Undoing]:
    """Undo what a run wrote, as far as that can be."""
    return Call(Wish("POST", f"{RUNS}/{run_id}/undo"), Undoing)


def examples() -> Call[Examples]:
    """Read three questions that the person's own data can answer."""
    return Call(Wish("GET", "/api/agent/examples"), Examples)


def settings() -> Call[SettingsView]:
    """Read which models and tools there are, the limits, and what of them is used."""
    return Call(Wish("GET", "/api/agent/settings"), SettingsView)


def doctor() -> Call[CheckUp]:
    """Have the installation examined; needs a token with the scope `admin`."""
    return Call(Wish("GET", "/api/agent/doctor"), CheckUp)


def projects(search: str = "", *, limit: int | None = None, after: str | None = None) -> Call[ProjectPage]:
    """List projects, the one last changed first."""
    return Call(Wish("GET", f"{WORKSPACE}/projects", query=_searched(search, limit, after)), ProjectPage)


def project(project_id: UUID) -> Call[Project]:
    """Read one whole project."""
    return Call(Wish("GET", f"{WORKSPACE}/projects/{project_id}"), Project)


def tasks(search: str = "", *, limit: int | None = None, after: str | None = None) -> Call[TaskPage]:
    """List tasks, newest first."""
    return Call(Wish("GET", f"{WORKSPACE}/tasks", query=_searched(search, limit, after)), TaskPage)


def task(task_id: UUID) -> Call[Task]:
    """Read one whole task."""
    return Call(Wish("GET", f"{WORKSPACE}/tasks/{task_id}"), Task)


def notes(search: str = "", *, limit: int | None = None, after: str | None = None) -> Call[NotePage]:
    """List notes, newest first."""
    return Call(Wish("GET", f"{WORKSPACE}/notes", query=_searched(search, limit, after)), NotePage)


def note(note_id: UUID) -> Call[Note]:
    """Read one whole note."""
    return Call(Wish("GET", f"{WORKSPACE}/notes/{note_id}"), Note)


def brain_dumps(search: str = "", *, limit: int | None = None, after: str | None = None) -> Call[BrainDumpPage]:
    """List brain dumps, newest first."""
    return Call(Wish("GET", f"{WORKSPACE}/brain_dumps", query=_searched(search, limit, after)), BrainDumpPage)


def brain_dump(brain_dump_id: UUID) -> Call[BrainDump]:
    """Read one whole brain dump."""
    return Call(Wish("GET", f"{WORKSPACE}/brain_dumps/{brain_dump_id}"), BrainDump)


def calendar(since: datetime | None = None, until: datetime | None = None) -> Call[CalendarWindow]:
    """Read every occurrence that touches a time: from now for a week, unless said otherwise."""
    return Call(Wish("GET", f"{WORKSPACE}/calendar", query=_window(since, until)), CalendarWindow)


def event(event_id: UUID) -> Call[CalendarEntry]:
    """Read one event of the calendar; of a series its first occurrence."""
    return Call(Wish("GET", f"{WORKSPACE}/calendar/{event_id}"), CalendarEntry)


def _searched(search: str, limit: int | None, after: str | None) -> Query:
    return {**_named("search", search or None), **_named("limit", limit), **_named("after", after)}


def _window(since: datetime | None, until: datetime | None) -> Query:
    return {
        **_named("since", None if since is None else since.isoformat()),
        **_named("until", None if until is None else until.isoformat()),
    }


def _named(name: str, value: object) -> Query:
    return {} if value is None else {name: (str(value),)}
