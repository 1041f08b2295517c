"""Questions about projects, notes and brain dumps, and searches through everything."""

import re
from typing import Final

from graph.offline import looking_up
from graph.offline.ask import Ask
from graph.offline.naming import plain, those_named
from graph.offline.phrases import Words
from graph.offline.rows import Row, project_of, projects_in, row_in, tasks_in, text_row, texts_in, total_of
from graph.offline.script import Call, Script, reading, reading_one
from graph.offline.wording import (
    bold,
    counted,
    listed,
    opening,
    paragraphs,
    project_line,
    task_line,
    text_line,
    whole_text,
)

MAX_QUERY_CHARS: Final = 200
_IN_PROJECT: Final = re.compile(
    r"(?:(?:of|in|for|from) )?(?:(?:the )?project (?P<a>.+)|(?P<b>.+) project|(?P<c>this project))", re.IGNORECASE
)
_PROJECT_STATUS: Final = re.compile(r"\b(active|current|paused|on hold|completed|finished|archived)\b", re.IGNORECASE)
_STATUS_BY_WORD: Final = {"current": "active", "on hold": "paused", "finished": "completed"}


def projects(ask: Ask, _words: Words) -> Script[str]:
    """List projects, all or those of one status."""
    arguments = Row(limit=20)
    word = _PROJECT_STATUS.search(ask.request)
    status = "" if word is None else _STATUS_BY_WORD.get(word[1].lower(), word[1].lower())
    if status:
        arguments["status"] = status
    result = yield from reading_one("search_projects", **arguments)
    found = projects_in(result.data)
    if not found:
        return f"You have no {status} projects." if status else "You have no projects yet."
    total = total_of(result.data, len(found))
    head = f"You have {counted(total, f'{status} project'.strip())}:"
    return paragraphs(head, listed((project_line(project) for project in found), total))


def show_project(ask: Ask, words: Words) -> Script[str]:
    """Show one project with its tasks."""
    project = yield from looking_up.the_project(ask, words["name"])
    result = yield from reading_one("get_project_details", project_id=project.id, include_tasks=True)
    tasks = [task for task in tasks_in(result.data, ask.zone) if task.is_open]
    whole = project_of(row_in(result.data, "project"))
    return paragraphs(
        project_line(whole),
        whole.description,
        f"Open tasks:\n{listed(task_line(task, ask.now) for task in tasks)}" if tasks else "",
    )


def notes(ask: Ask, words: Words) -> Script[str]:
    """Find notes."""
    return _texts(ask, "search_notes", "note", words.get("query", ""))


def brain_dumps(ask: Ask, words: Words) -> Script[str]:
    """Find brain dumps."""
    return _texts(ask, "search_brain_dumps", "brain dump", words.get("query", ""))


def show_note(ask: Ask, words: Words) -> Script[str]:
    """Show one whole note."""
    note = yield from looking_up.the_text(ask, "search_notes", "note", words["name"])
    result = yield from reading_one("get_note_details", note_id=note.id)
    return whole_text(text_row(row_in(result.data, "note"), ask.zone))


def show_brain_dump(ask: Ask, words: Words) -> Script[str]:
    """Show one whole brain dump."""
    dump = yield from looking_up.the_text(ask, "search_brain_dumps", "brain dump", words["name"])
    result = yield from reading_one("get_brain_dump_details", brain_dump_id=dump.id)
    return whole_text(text_row(row_in(result.data, "brain_dump"), ask.zone))


def everything(ask: Ask, words: Words) -> Script[str]:
    """Look for words in tasks, projects, notes and brain dumps."""
    query = plain(words["query"])[:MAX_QUERY_CHARS]
    by_task, by_project, by_note, by_dump = yield from reading(
        Call("list_tasks", {"limit": 50}),
        Call("search_projects", {"query": query, "limit": 10}),
        Call("search_notes", {"query": query, "limit": 10}),
        Call("search_brain_dumps", {"query": query, "limit": 10}),
    )
    tasks = those_named(query, tasks_in(by_task.data, ask.zone), lambda task: task.title)
    parts = (
        ("Tasks", [task_line(task, ask.now) for task in tasks]),
        ("Projects", [project_line(project) for project in projects_in(by_project.data)]),
        ("Notes", [text_line(note) for note in texts_in(by_note.data, ask.zone)]),
        ("Brain dumps", [text_line(dump) for dump in texts_in(by_dump.data, ask.zone)]),
    )
    answer = paragraphs(*(f"{head}:\n{listed(lines)}" for head, lines in parts if lines))
    return answer or f"I found nothing about {bold(query)}."


def _texts(ask: Ask, tool: str, noun: str, query: str) -> Script[str]:
    """Find notes or brain dumps by words, or of a project when the words name one."""
    in_project = _IN_PROJECT.fullmatch(query)
    arguments = Row(limit=20)
    about = ""
    if in_project:
        project = yield from looking_up.the_project(ask, in_project["a"] or in_project["b"] or in_project["c"])
        arguments["project_id"] = project.id
        about = f" in {bold(project.name)}"
    elif words := plain(query)[:MAX_QUERY_CHARS]:
        arguments["query"] = words
        about = f" about {bold(words)}"
    result = yield from reading_one(tool, **arguments)
    found = texts_in(result.data, ask.zone)
    if not found:
        return f"I found no {noun}s{about}."
    total = total_of(result.data, len(found))
    if len(found) == 1 and about:
        return paragraphs(
            f"One {noun}{about}:", text_line(found[0]), opening(found[0].summary) if found[0].summary else ""
        )
    return paragraphs(f"{counted(total, noun)}{about}:", listed((text_line(row) for row in found), total))
