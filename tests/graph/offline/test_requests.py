"""The everyday requests: what each begins with."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import JsonValue

from tests.graph.offline.talking import asked, calls_in, reply

OPEN = ["backlog", "in_progress", "blocked"]
PROJECT_ID = "11111111-2222-4333-8444-555555555555"


def first_call(request: str) -> tuple[str, dict[str, JsonValue]]:
    """Return the first call of the first answer."""
    return calls_in(reply(asked(request)))[0]


@pytest.mark.parametrize(
    ("request_text", "tool", "some"),
    [
        ("what is overdue?", "list_tasks", {"status": OPEN, "has_date": True, "sort_by": "start_date"}),
        ("Show me my high-priority tasks, please", "list_tasks", {"priority": ["high"], "status": OPEN}),
        ("list my blocked tasks", "list_tasks", {"status": ["blocked"]}),
        ("which tasks are in progress?", "list_tasks", {"status": ["in_progress"]}),
        ("tasks without a date", "list_tasks", {"has_date": False}),
        ("how many tasks do I have?", "list_tasks", {"status": OPEN}),
        ("What am I in the middle of?", "list_tasks", {"status": ["in_progress"]}),
        ("I have started with the review", "list_tasks", {}),
        ("which subtasks does the review have?", "list_tasks", {}),
        ("What did we decide about prices?", "search_notes", {"query": "prices"}),
        ("what should I work on?", "list_tasks", {"status": ["backlog", "in_progress"]}),
        ("tasks of project Relaunch", "search_projects", {}),
        ("what are my projects?", "search_projects", {}),
        ("list active projects", "search_projects", {"status": "active"}),
        ("what's on my calendar today?", "get_calendar_events", {"time_min": "2026-11-25T00:00:00"}),
        ("What is on my calendar tomorrow", "get_calendar_events", {"time_min": "2026-11-26T00:00:00"}),
        ("what do I have on Friday?", "get_calendar_events", {"time_max": "2026-11-28T00:00:00"}),
        ("my calendar this week", "get_calendar_events", {"time_min": "2026-11-23T00:00:00"}),
        ("calendar next week", "get_calendar_events", {"time_max": "2026-12-07T00:00:00"}),
        ("when am I free tomorrow?", "find_available_slots", {"time_min": "2026-11-26T00:00:00"}),
        ("find two free hours tomorrow", "find_available_slots", {"duration_minutes": 120}),
        ("am I free this afternoon?", "find_available_slots", {"preferred_hours": [*range(12, 18)]}),
        ("find notes about pricing", "search_notes", {"query": "pricing"}),
        ("my notes", "search_notes", {"limit": 20}),
        ("show note Pricing", "search_notes", {}),
        ("find brain dumps about schools", "search_brain_dumps", {"query": "schools"}),
        ("show task Review", "list_tasks", {}),
        ("is the review on my calendar?", "list_tasks", {}),
        ("search for prices", "list_tasks", {}),
        ("move the review to Friday", "list_tasks", {}),
        ("mark the review as done", "list_tasks", {}),
        ("could you set the priority of the review to high?", "list_tasks", {}),
        ("rename the task review to retrospective", "list_tasks", {}),
        ("delete the event Jour fixe", "get_calendar_events", {"time_min": "2026-11-24T00:00:00"}),
        ("pause the project Relaunch", "search_projects", {}),
        ("archive the Relaunch project", "search_projects", {}),
        ("schedule the review tomorrow at 10", "list_tasks", {}),
        ("find two free hours tomorrow and schedule the review", "list_tasks", {}),
        ("create a task Call Ann", "create_task", {"title": "Call Ann"}),
        ("add a task: call Ann on Friday at 9", "create_task", {"start_date": "2026-11-27T09:00:00"}),
        ("create a high priority task Call Ann", "create_task", {"title": "Call Ann", "priority": "high"}),
        ("create a task Call Ann in project Relaunch", "search_projects", {}),
        ("remind me to water the plants tomorrow", "create_task", {"title": "water the plants"}),
        ("add a note: Ann likes blue", "create_note", {"content": "Ann likes blue"}),
        ("note called Colours: blue\nand red", "create_note", {"title": "Colours", "content": "blue\nand red"}),
        ("brain dump: sell to schools", "create_brain_dump", {"content": "sell to schools"}),
        ("how is Relaunch going?", "search_projects", {}),
        ("Summarise project Relaunch", "search_projects", {}),
    ],
)
def test_a_request_begins_with_the_right_call(request_text: str, tool: str, some: dict[str, JsonValue]) -> None:
    """An everyday request is understood, and the first call asks for what it is about."""
    name, arguments = first_call(request_text)
    assert (name, {key: arguments.get(key) for key in some}) == (tool, some)


@pytest.mark.parametrize(
    "request_text",
    [
        "Help me organize my project tasks for next week",
        "organise next week",
        "plan my week",
        "can you plan my day?",
        "prepare a daily brief",
        "give me a morning briefing",
    ],
)
def test_wide_requests_take_a_plan_at_once(request_text: str) -> None:
    """A request that needs several things read begins with a plan."""
    ((name, arguments),) = calls_in(reply(asked(request_text)))
    steps = arguments["steps"]
    assert name == "create_plan"
    assert isinstance(steps, list)
    assert len(steps) >= 4


@pytest.mark.parametrize(
    ("request_text", "words"),
    [
        ("hello", "Hello"),
        ("Thanks!", "welcome"),
        ("who are you?", "rules rather than a language model"),
        ("Are you ChatGPT?", "rules rather than a language model"),
        ("what can you do?", "What is overdue?"),
        ("xyzzy", "I did not understand that"),
        ("what time is it?", "09:30 on Wednesday, 2026-11-25"),
        ("delete the task review", "I cannot delete a task"),
        ("move the review", "To when shall I move"),
        ("schedule the review", "When shall I schedule"),
        ("yes", "nothing open"),
    ],
)
def test_some_requests_need_no_tools(request_text: str, words: str) -> None:
    """What needs no data is answered at once, and the model says what it is."""
    answer = reply(asked(request_text))
    assert words in answer.text
    assert not answer.tool_calls


def test_it_is_the_place_the_person_speaks_from() -> None:
    """In the context of a project, “this project” is that one."""
    snapshot = f'## get_project_details\n{{"message": "…", "project": {{"id": "{PROJECT_ID}", "name": "Relaunch"}}}}'
    begun = asked("summarise this project", snapshot=snapshot, context_type="project")
    (call,) = calls_in(reply(begun))
    assert call[0] == "search_projects"


def test_a_question_about_another_day_is_the_same_question() -> None:
    """“And tomorrow?” repeats the last question for another day."""
    earlier = [HumanMessage("what's on my calendar today?"), AIMessage("Nothing.")]
    (call,) = calls_in(reply(asked("and tomorrow?", *earlier)))
    assert call[1]["time_min"] == "2026-11-26T00:00:00"
