-- What the person sees (chat_*) and what the agents did (agent*).

create table chat_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    title text not null check (length(title) between 1 and 200),
    context_type text not null default 'global' check (context_type in (
        'global', 'project', 'task', 'calendar', 'project_create', 'project_update',
        'project_audit', 'project_forecast', 'task_update', 'daily_brief_update')),
    entity_id uuid,
    approvals text not null default 'auto' check (approvals in ('auto', 'ask')),
    status text not null default 'active' check (status in ('active', 'archived')),
    message_count integer not null default 0 check (message_count >= 0),
    last_message_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id)
);
create index chat_sessions_newest on chat_sessions (user_id, status, last_message_at desc, id);

create table runs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    session_id uuid not null,
    request text not null,
    status text not null default 'queued' check (status in (
        'queued', 'running', 'waiting', 'done', 'error', 'cancelled')),
    strategy text check (strategy in ('simple', 'tool_use', 'complex')),
    attempt integer not null default 0 check (attempt >= 0),
    last_seq integer not null default 0 check (last_seq >= 0),
    lease_until timestamptz,
    idempotency_key text check (length(idempotency_key) between 1 and 200),
    request_digest text not null,
    cancel_requested_at timestamptz,
    graph_version text not null,
    prompt_tokens bigint not null default 0 check (prompt_tokens >= 0),
    completion_tokens bigint not null default 0 check (completion_tokens >= 0),
    finished_reason text check (finished_reason in ('stop', 'cancelled', 'approval_required', 'budget_exhausted')),
    error_code text,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (user_id, session_id, id),
    unique (user_id, idempotency_key),
    foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade,
    check ((status in ('done', 'error', 'cancelled')) = (finished_at is not null))
);
create unique index runs_one_at_a_time on runs (session_id) where status in ('running', 'waiting');
create index runs_newest on runs (user_id, created_at desc, id);
create index runs_by_session on runs (user_id, session_id, created_at);
create index runs_unfinished on runs (created_at) where finished_at is null;

create table chat_messages (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    session_id uuid not null,
    run_id uuid,
    position integer not null default 0,
    role text not null check (role in ('user', 'assistant')),
    content text not null,
    created_at timestamptz not null default clock_timestamp(),
    unique (user_id, id),
    unique (session_id, position),
    unique (run_id, role),
    foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, session_id, run_id) references runs (user_id, session_id, id) on delete cascade
);

create table agents (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    created_for_session uuid not null,
    created_for_plan uuid,
    run_id uuid not null,
    type text not null check (type in ('planner', 'executor')),
    name text not null,
    model_preference text not null check (model_preference in ('balanced', 'speed')),
    available_tools text[] not null,
    permissions text not null check (permissions in ('read_only', 'read_write')),
    system_prompt text not null,
    status text not null default 'active' check (status in ('active', 'completed', 'failed')),
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, created_for_session) references chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    check ((type = 'planner') = (permissions = 'read_write'))
);
create index agents_by_run on agents (user_id, run_id, created_at);
create unique index agents_one_planner on agents (run_id) where type = 'planner';

create table agent_plans (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    session_id uuid not null,
    run_id uuid not null unique,
    planner_agent_id uuid not null,
    user_message text not null,
    strategy text not null check (strategy in ('simple', 'tool_use', 'complex')),
    steps jsonb not null check (jsonb_typeof(steps) = 'array'),
    revision integer not null default 1 check (revision >= 1),
    status text not null default 'pending' check (status in ('pending', 'executing', 'completed', 'failed')),
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    foreign key (user_id, planner_agent_id) references agents (user_id, id) on delete cascade
);
create index agent_plans_by_session on agent_plans (user_id, session_id, created_at desc);

alter table agents add foreign key (user_id, created_for_plan)
    references agent_plans (user_id, id) on delete cascade;
create index agents_by_plan on agents (user_id, created_for_plan) where created_for_plan is not null;

create table agent_chat_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    parent_session_id uuid not null,
    run_id uuid not null,
    plan_id uuid,
    step_number integer,
    planner_agent_id uuid not null,
    executor_agent_id uuid,
    session_type text not null check (session_type in ('planner_thinking', 'planner_executor')),
    initial_context text not null default '',
    context_type text not null,
    entity_id uuid,
    status text not null default 'active' check (status in ('active', 'completed', 'failed')),
    message_count integer not null default 0 check (message_count >= 0),
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, parent_session_id) references chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    foreign key (user_id, plan_id) references agent_plans (user_id, id) on delete cascade,
    foreign key (user_id, planner_agent_id) references agents (user_id, id) on delete cascade,
    foreign key (user_id, executor_agent_id) references agents (user_id, id) on delete cascade,
    check ((session_type = 'planner_executor') = (executor_agent_id is not null))
);
create index agent_chat_sessions_by_run on agent_chat_sessions (user_id, run_id, created_at);

create table agent_chat_messages (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    agent_session_id uuid not null,
    parent_user_session_id uuid not null,
    position integer not null default 0,
    sender_type text not null check (sender_type in ('planner', 'executor', 'system')),
    sender_agent_id uuid,
    role text not null check (role in ('system', 'user', 'assistant', 'tool')),
    content text not null,
    reasoning text,
    tool_calls jsonb,
    tool_call_id text,
    tokens_used integer not null default 0 check (tokens_used >= 0),
    model_used text,
    created_at timestamptz not null default clock_timestamp(),
    unique (user_id, id),
    unique (agent_session_id, position),
    foreign key (user_id, agent_session_id) references agent_chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, parent_user_session_id) references chat_sessions (user_id, id) on delete cascade,
    foreign key (user_id, sender_agent_id) references agents (user_id, id) on delete cascade
);
create index agent_chat_messages_by_chat on agent_chat_messages (user_id, parent_user_session_id);

create table agent_executions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    plan_id uuid not null,
    step_number integer not null,
    executor_agent_id uuid not null,
    agent_session_id uuid not null,
    task text not null,
    tools_available text[] not null,
    result jsonb,
    success boolean,
    error text,
    tokens_used integer not null default 0 check (tokens_used >= 0),
    duration_ms integer check (duration_ms >= 0),
    tool_calls_made integer not null default 0 check (tool_calls_made >= 0),
    message_count integer not null default 0 check (message_count >= 0),
    status text not null default 'executing' check (status in (
        'executing', 'completed', 'failed', 'abandoned')),
    completed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, plan_id) references agent_plans (user_id, id) on delete cascade,
    foreign key (user_id, executor_agent_id) references agents (user_id, id) on delete cascade,
    foreign key (user_id, agent_session_id) references agent_chat_sessions (user_id, id) on delete cascade
);
create index agent_executions_by_plan on agent_executions (user_id, plan_id, step_number);

-- Counters and positions: the parent row is the lock, so positions have no gaps
-- and no two writers can take the same one.
create function number_chat_message() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    update chat_sessions
    set message_count = message_count + 1, last_message_at = clock_timestamp()
    where id = new.session_id
    returning message_count into new.position;
    return new;
end
$$;
create trigger number_message before insert on chat_messages
    for each row execute function number_chat_message();

create function number_agent_message() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    update agent_chat_sessions
    set message_count = message_count + 1
    where id = new.agent_session_id
    returning message_count into new.position;
    return new;
end
$$;
create trigger number_message before insert on agent_chat_messages
    for each row execute function number_agent_message();
