"""The schema, asked of the database itself: what a new table, function or role must keep to."""

import re
from collections.abc import Generator, Iterable
from typing import Final, LiteralString, get_args

import psycopg
import pytest
from psycopg import Connection

from nodes.vocabulary.events import (
    Analysed,
    Done,
    Event,
    ExecutorReturned,
    ExecutorSpawned,
    Failed,
    FinishedReason,
    PlanCreated,
    PlanStatus,
    SessionOpened,
    StepCompleted,
    StepStarted,
    Strategy,
    TextSaid,
    ToolCalled,
    ToolReturned,
)
from persistence.record import credentials
from persistence.record.conversations import MessageRole, SenderType
from persistence.runs import charges
from persistence.runs.approvals import ApprovalStatus, Verdict
from persistence.runs.ledger import CallState
from persistence.runs.runs import FINISHED, RunStatus, WantedRoute, Writes
from persistence.workspace import tasks
from tests.persistence.catalog_lint import RULES, complaints
from tools.tool import Access

EVENT_CLASSES: Final = (
    SessionOpened,
    Analysed,
    PlanCreated,
    StepStarted,
    StepCompleted,
    ExecutorSpawned,
    ExecutorReturned,
    TextSaid,
    ToolCalled,
    ToolReturned,
    Done,
    Failed,
)
EVENT_TYPES: Final = {str(kind.model_fields["type"].default) for kind in EVENT_CLASSES}

# How each rule is broken. A table is made as its migration's author would make it.
MISTAKES: Final[dict[str, tuple[LiteralString, str]]] = {
    "a person's table forces row security": (
        "alter table planwright.notes no force row level security",
        "notes",
    ),
    "a person's table has one policy for our logins: the signed context, for reading and writing": (
        "create policy shared on planwright.notes for select to planwright_api using (true)",
        "notes",
    ),
    "only what the owner's functions do across people has policies of its own": (
        "create policy peeking on planwright.notes for select to planwright_owner using (true)",
        "notes.peeking",
    ),
    "a table of nobody's rows is one of four, and closed to our logins": (
        "grant select (inner_pad) on planwright.context_keys to planwright_executor",
        "context_keys for planwright_executor",
    ),
    "whose row it is, the context says, and the row goes with that person": (
        "alter table planwright.notes alter column user_id drop default",
        "notes",
    ),
    "whose a new row claims to be is held against the verified context, and nobody with the owner's eyes adds one": (
        "alter policy own_rows on planwright.charges with check (true)",
        "charges",
    ),
    "a key without the owner begins with an id or a digest that nobody can guess": (
        "create unique index one_title_for_all on planwright.notes (title) where false",
        "planwright.one_title_for_all",
    ),
    "what people wrote, and whose it is, leaves nothing in the planner's statistics": (
        "alter table planwright.notes add column diary text",
        "notes.diary",
    ),
    "a view asks with the rights of whoever asks, and nothing is kept materialized": (
        "create view planwright.all_notes as select * from planwright.notes",
        "all_notes",
    ),
    "a foreign key between two tables of people carries the owner along": (
        "alter table planwright.notes add column other uuid constraint to_any_task references planwright.tasks (id)",
        "planwright.notes: to_any_task",
    ),
    "a foreign key has an index that finds the rows a cascade is after": (
        "drop index planwright.agents_by_plan",
        "planwright.agents: agents_user_id_created_for_plan_fkey",
    ),
    "a key of owner and id beside the id is there because a foreign key points at it": (
        "alter table planwright.notes add constraint twice unique (user_id, id)",
        "twice",
    ),
    "an index is not the beginning of a key of the same table": (
        "create index again on planwright.chat_messages (session_id)",
        "planwright.again",
    ),
    "a row that goes with its session, its run or its plan does not ask for its person's row as well": (
        "alter table planwright.runs add foreign key (user_id) references planwright.users on delete cascade",
        "planwright.runs: runs_user_id_fkey",
    ),
    "a row that goes with its run or its conversation does not ask for its session's row as well": (
        "alter table planwright.agents add foreign key (run_id) references planwright.chat_sessions not valid",
        "planwright.agents: agents_run_id_fkey",
    ),
    "a function of ours has a fixed search path that ends with the temporary schema, or its names are bound": (
        "alter function planwright.may_sign_in(uuid) set search_path = planwright",
        "planwright.may_sign_in(uuid)",
    ),
    "a function of ours is not said to be leakproof: it would see rows before row security does": (
        "alter function planwright.current_user_id() leakproof",
        "planwright.current_user_id()",
    ),
    "what has the owner's eyes and is there for tools' logins looks in whose name it is asked": (
        "create function planwright.all_notes() returns bigint language sql security definer as 'select 1'",
        "planwright.all_notes()",
    ),
    "everything of ours is the owner's, who cannot log in": (
        "alter table planwright.notes owner to planwright_worker",
        "planwright.notes",
    ),
    "nothing of ours is granted to everybody": (
        "create function planwright.all_ids() returns setof uuid language sql as 'select id from planwright.notes'",
        "planwright.all_ids()",
    ),
    "a role of ours is not powerful, neither itself nor by membership": (
        "grant planwright_owner to planwright_worker",
        "planwright_worker as planwright_owner",
    ),
    "an executor holds SELECT on the eight tables of the workspace": (
        "revoke select on planwright.notes from planwright_executor",
        "notes",
    ),
    "an executor holds no other right on any table, column or sequence": (
        "grant update (title) on planwright.notes to planwright_executor",
        "planwright.notes update",
    ),
    "an executor calls two functions of ours, and makes nothing": (
        "grant execute on function planwright.sign_up(text, text) to planwright_executor",
        "planwright.sign_up(text,text)",
    ),
    "the queue's login has no right on anything of ours, and other logins none on the queue's tables": (
        "grant select (args) on planwright_queue.procrastinate_jobs to planwright_api",
        "planwright_queue.procrastinate_jobs for planwright_api",
    ),
    "of the queue, those who ask and work call four functions, and nobody else any": (
        "grant execute on function planwright_queue.procrastinate_register_worker_v1() to planwright_api",
        "planwright_queue.procrastinate_register_worker_v1() for planwright_api",
    ),
    "what acts with the owner's eyes on the queue has a fixed search path": (
        "alter function planwright_queue.hand_on(uuid) reset search_path",
        "planwright_queue.hand_on(uuid)",
    ),
    "updated_at is kept by a trigger": ("drop trigger touch on planwright.notes", "notes"),
}

CHECKED: Final[dict[tuple[str, str], Iterable[str]]] = {
    ("agent_chat_messages", "role"): get_args(MessageRole),
    ("agent_chat_messages", "sender_type"): get_args(SenderType),
    ("agent_chat_sessions", "session_type"): ("planner_executor", "planner_thinking"),
    ("agent_chat_sessions", "status"): ("active", "completed", "failed"),
    ("agent_executions", "status"): ("abandoned", "completed", "executing", "failed"),
    ("agent_plans", "status"): PlanStatus,
    ("agent_plans", "strategy"): Strategy,
    ("agents", "model_preference"): ("balanced", "speed"),
    ("agents", "permissions"): ("read_only", "read_write"),
    ("agents", "status"): ("active", "completed", "failed"),
    ("agents", "type"): ("executor", "planner"),
    ("approval_calls", "verdict"): Verdict,
    ("approvals", "status"): ApprovalStatus,
    ("brain_dumps", "status"): ("completed", "failed", "pending", "processing"),
    ("calendar_events", "recurrence"): ("biweekly", "daily", "monthly", "weekdays", "weekly"),
    ("charges", "kind"): charges.Kind,
    ("chat_messages", "role"): ("assistant", "user"),
    ("chat_sessions", "approvals"): ("ask", "auto"),
    ("chat_sessions", "context_type"): (
        "calendar",
        "daily_brief_update",
        "global",
        "project",
        "project_audit",
        "project_create",
        "project_forecast",
        "project_update",
        "task",
        "task_update",
    ),
    ("chat_sessions", "status"): ("active", "archived"),
    ("credentials", "kind"): credentials.Kind,
    ("model_usage", "outcome"): ("answered", "cancelled", "failed"),
    ("projects", "status"): ("active", "archived", "completed", "paused"),
    ("row_changes", "table_name"): (
        "brain_dumps",
        "calendar_events",
        "notes",
        "phase_tasks",
        "phases",
        "projects",
        "task_calendar_events",
        "tasks",
    ),
    ("run_events", "type"): EVENT_TYPES,
    ("runs", "finished_reason"): FinishedReason,
    ("runs", "route"): WantedRoute,
    ("runs", "status"): RunStatus,
    ("runs", "strategy"): Strategy,
    ("runs", "writes"): Writes,
    ("tasks", "priority"): get_args(tasks.Priority),
    ("tasks", "recurrence_pattern"): ("biweekly", "daily", "monthly", "weekdays", "weekly"),
    ("tasks", "status"): get_args(tasks.Status),
    ("tasks", "task_type"): get_args(tasks.TaskType),
    ("tool_calls", "access"): Access,
    ("tool_calls", "state"): CallState,
}


@pytest.fixture
def administrator(admin_dsn: str) -> Generator[Connection]:
    """Give a transaction over the suite's database that is rolled back."""
    with psycopg.connect(admin_dsn) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("rule", RULES)
def test_the_schema_keeps_the_rule(administrator: Connection, rule: str) -> None:
    """The migrated database breaks none of the rules of the house."""
    assert complaints(administrator, rule) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_mistake_in_a_migration_is_caught(administrator: Connection, rule: str) -> None:
    """Each rule finds the mistake that it is for."""
    mistake, found = MISTAKES[rule]
    administrator.execute(mistake)
    assert found in complaints(administrator, rule)


def test_a_table_made_without_policies_is_caught(administrator: Connection) -> None:
    """A new table with somebody's rows fails six rules until its migration protects it."""
    administrator.execute("create table planwright.diaries (id uuid primary key, user_id uuid, updated_at timestamptz)")
    assert {rule for rule in RULES if complaints(administrator, rule)} == {
        "a person's table forces row security",
        "a person's table has one policy for our logins: the signed context, for reading and writing",
        "everything of ours is the owner's, who cannot log in",
        "updated_at is kept by a trigger",
        "what people wrote, and whose it is, leaves nothing in the planner's statistics",
        "whose row it is, the context says, and the row goes with that person",
    }


def test_every_list_of_words_is_the_programs_own(administrator: Connection) -> None:
    """A column that takes a few words takes exactly those that the program knows, and no such column is unlisted."""
    assert checked_words(administrator) == {column: set(words) for column, words in CHECKED.items()}


def checked_words(connection: Connection) -> dict[tuple[str, str], set[str]]:
    """Return the words that each check of the form `column in (…)` allows."""
    checks = connection.execute(
        r"""
        select c.relname, pg_get_constraintdef(k.oid) from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        where k.contype = 'c' and k.connamespace = 'planwright'::regnamespace
            and pg_get_constraintdef(k.oid) ~ '^CHECK \(\(\w+ = ANY \('
        """
    ).fetchall()
    return {(table, check.removeprefix("CHECK ((").split(" ")[0]): listed_words(check) for table, check in checks}


def listed_words(check: str) -> set[str]:
    """Return the words that a check lists: each as a value, or all as one."""
    words = re.search(r"(?:ARRAY\[|'\{)(.*)(?:\]|\}')", check)
    assert words is not None, "it is a list of words"
    return set(re.findall(r"\w+", words[1].replace("::text", "")))


def test_the_log_takes_the_twelve_events() -> None:
    """The classes counted here are the members of the union that streams, twelve of them."""
    union, *_ = get_args(Event)
    assert set(get_args(union)) == set(EVENT_CLASSES)
    assert len(EVENT_TYPES) == 12


def test_a_run_has_ended_in_three_states(administrator: Connection) -> None:
    """The states in which a run has an end are the same three in the table and in the program."""
    check = administrator.execute(
        """
        select pg_get_constraintdef(oid) from pg_constraint
        where conrelid = 'planwright.runs'::regclass and contype = 'c'
            and pg_get_constraintdef(oid) like '%= (finished_at IS NOT NULL)%'
        """
    ).fetchone()
    assert check is not None
    assert listed_words(check[0]) == {state.value for state in FINISHED}
