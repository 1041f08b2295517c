"""A person with far more rows than anybody has: 100,000 sessions, 1,000,000 events, 10,000 tasks, by SQL.

The rows are put in as an administrator, past triggers and row security. What they
say is made up; their number, their order in time and how they hang together is what counts.
"""

from typing import Final, LiteralString
from uuid import UUID

import psycopg

SESSIONS: Final = 100_000
EVENTS: Final = 1_000_000
EVENTS_OF_A_RUN: Final = 10
LONG_RUN_EVENTS: Final = 10_000
LONG_SESSION_MESSAGES: Final = 2_000
TASKS: Final = 10_000
PROJECTS: Final = 100
NOTES: Final = 2_000
BRAIN_DUMPS: Final = 1_000
CALENDAR_EVENTS: Final = 5_000

_ROWS: Final[tuple[LiteralString, ...]] = (
    """
    insert into projects (user_id, name, slug, description, tags)
    select %(user)s, 'Project ' || n, 'project-' || n, repeat('What it is about. ', 20), array['work', 'y' || n %% 9]
    from generate_series(1, %(projects)s) n
    """,
    """
    insert into tasks (user_id, project_id, title, description, status, priority, start_date, created_at, completed_at)
    select %(user)s, case when n %% 5 > 0 then p.ids[n %% %(projects)s + 1] end,
        'Task ' || n, repeat('What is to be done. ', 10),
        (array['backlog', 'in_progress', 'done', 'blocked'])[n %% 4 + 1], (array['low', 'medium', 'high'])[n %% 3 + 1],
        case when n %% 2 = 0 then now() + (n %% 400 - 200) * interval '1 day' end,
        now() - n * interval '1 minute', case when n %% 4 = 2 then now() end
    from generate_series(1, %(tasks)s) n,
        (select array_agg(id) as ids from projects where user_id = %(user)s) p
    """,
    """
    insert into tasks (user_id, parent_task_id, title)
    select %(user)s, id, 'Part of it' from tasks where user_id = %(user)s and title = 'Task 1'
    """,
    """
    insert into notes (user_id, title, content, tags, created_at)
    select %(user)s, 'Note ' || n, repeat('What was thought of it. ', 40), array['idea'], now() - n * interval '1 hour'
    from generate_series(1, %(notes)s) n
    """,
    """
    insert into brain_dumps (user_id, content, created_at)
    select %(user)s, repeat('What came to mind. ', 40) || n, now() - n * interval '1 hour'
    from generate_series(1, %(brain_dumps)s) n
    """,
    """
    insert into calendar_events (user_id, summary, starts_at, ends_at, recurrence)
    select %(user)s, 'Event ' || n, at, at + interval '1 hour', case when n %% 50 = 0 then 'weekly' end
    from generate_series(1, %(calendar_events)s) n, lateral (select now() + (n - 2500) * interval '5 hours' as at) a
    """,
    """
    insert into chat_sessions (user_id, title, message_count, last_message_at, created_at)
    select %(user)s, 'Session ' || n, case n when 1 then %(long_session)s else 2 end, at, at
    from generate_series(1, %(sessions)s) n, lateral (select now() - n * interval '1 minute' as at) a
    """,
    """
    insert into runs (user_id, session_id, request, status, strategy, attempt, last_seq, request_digest, graph_version,
        finished_reason, created_at, started_at, finished_at)
    select user_id, id, 'Put my week in order', 'done', 'complex', 1,
        case title when 'Session 1' then %(long_run)s else %(of_a_run)s end, md5(title), '1', 'stop',
        created_at, created_at, created_at + interval '2 seconds'
    from chat_sessions where user_id = %(user)s
    """,
    """
    insert into run_events (user_id, run_id, seq, key, type, payload, created_at)
    select user_id, id, n, 'key ' || n, case n when last_seq then 'done' else 'text' end,
        '{"type":"text","content":"' || repeat('A few words. ', 10) || '"}', created_at
    from (select *, row_number() over (order by last_seq desc, id) as place from runs where user_id = %(user)s) r,
        generate_series(1, last_seq) n
    where place <= 1 + (%(events)s - %(long_run)s) / %(of_a_run)s
    """,
    """
    insert into chat_messages (user_id, session_id, run_id, position, role, content, created_at)
    select user_id, session_id, id, place, role, repeat(role || ' said this. ', 20), created_at
    from runs, (values (1, 'user'), (2, 'assistant')) said (place, role) where user_id = %(user)s
    """,
    """
    insert into runs (user_id, session_id, request, status, request_digest, graph_version, created_at, finished_at)
    select user_id, id, 'And then', 'done', '', '1', last_message_at + n * interval '1 ms' - interval '1 year', now()
    from chat_sessions, generate_series(3, %(long_session)s) n where user_id = %(user)s and title = 'Session 1'
    """,
    """
    insert into chat_messages (user_id, session_id, run_id, position, role, content)
    select user_id, session_id, id, 2 + row_number() over (order by created_at), 'user', repeat('And then. ', 20)
    from runs where user_id = %(user)s and request = 'And then'
    """,
    """
    insert into agent_plans (user_id, session_id, run_id, planner_agent_id, user_message, strategy, status, steps)
    select user_id, session_id, id, gen_random_uuid(), request, strategy, 'completed',
        '[{"stepNumber": 1, "status": "completed"}, {"stepNumber": 2, "status": "skipped"}]'
    from runs where user_id = %(user)s and strategy = 'complex'
    """,
    """
    insert into model_usage (user_id, run_id, purpose, model, reserved_tokens, prompt_tokens, completion_tokens,
        cached_tokens, outcome, created_at, settled_at)
    select user_id, id, 'decide', 'deepseek-v4-pro', 5000, 2000, 100, 1000, 'answered', created_at, created_at
    from runs where user_id = %(user)s
    """,
)


def seed(dsn: str, user_id: UUID, sessions: int = SESSIONS) -> None:
    """Give a user all these rows; of sessions and events, that many and ten times as many."""
    sizes = {
        "user": user_id,
        "sessions": sessions,
        "events": EVENTS * sessions // SESSIONS,
        "of_a_run": EVENTS_OF_A_RUN,
        "long_run": LONG_RUN_EVENTS,
        "long_session": LONG_SESSION_MESSAGES,
        "tasks": TASKS,
        "projects": PROJECTS,
        "notes": NOTES,
        "brain_dumps": BRAIN_DUMPS,
        "calendar_events": CALENDAR_EVENTS,
    }
    with psycopg.connect(dsn) as admin:
        admin.execute("set local search_path = planwright")
        admin.execute("set local session_replication_role = replica")
        for rows in _ROWS:
            admin.execute(rows, sizes)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("vacuum analyze")
