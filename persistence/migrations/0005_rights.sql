-- Rights and row security. LangGraph's checkpoint tables (made by its own
-- setup() before this file runs) get an owner and a session here, so they are
-- isolated and deleted like everything else.

alter table checkpoints
    add column user_id uuid not null default current_user_id() references users on delete cascade,
    add column session_id uuid generated always as (thread_id::uuid) stored,
    add foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade;
create index checkpoints_by_session on checkpoints (user_id, session_id);

alter table checkpoint_blobs
    add column user_id uuid not null default current_user_id() references users on delete cascade,
    add column session_id uuid generated always as (thread_id::uuid) stored,
    add foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade;
create index checkpoint_blobs_by_session on checkpoint_blobs (user_id, session_id);

alter table checkpoint_writes
    add column user_id uuid not null default current_user_id() references users on delete cascade,
    add column session_id uuid generated always as (thread_id::uuid) stored,
    add foreign key (user_id, session_id) references chat_sessions (user_id, id) on delete cascade;
create index checkpoint_writes_by_session on checkpoint_writes (user_id, session_id);

do $$
declare
    name text;
begin
    for name in
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        where c.relnamespace = 'planwright'::regnamespace and c.relkind = 'r'
    loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own_rows on %I to planwright_api, planwright_worker, planwright_executor'
            ' using (user_id = (select current_user_id()))'
            ' with check (user_id = (select current_user_id()))', name);
    end loop;
    for name in
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'updated_at' and not a.attisdropped
        where c.relnamespace = 'planwright'::regnamespace and c.relkind = 'r'
    loop
        execute format(
            'create trigger touch before update on %I for each row execute function touch_updated_at()', name);
    end loop;
end
$$;

alter table users enable row level security;
alter table users force row level security;
create policy own_row on users to planwright_api, planwright_worker
    using (id = (select current_user_id()))
    with check (id = (select current_user_id()));
create policy signing_in on users to planwright_owner using (true) with check (true);
create policy finding_unfinished on runs for select to planwright_owner using (true);

revoke all on all functions in schema planwright from public;
grant usage on schema planwright to planwright_api, planwright_worker, planwright_executor;
grant execute on function
    context_field(integer), current_user_id(), current_run_id(), current_attempt()
    to planwright_api, planwright_worker, planwright_executor;
grant execute on function sign_up(text, text), may_sign_in(uuid), number_chat_message(), touch_updated_at()
    to planwright_api;
grant execute on function
    pass_fence(), append_events(text[], text[], text[]), unfinished_runs(),
    number_chat_message(), number_agent_message(), touch_updated_at()
    to planwright_worker;

-- Executors read the workspace and nothing else.
grant select on
    projects, tasks, notes, brain_dumps, phases, phase_tasks, calendar_events, task_calendar_events
    to planwright_executor;

-- Workers run turns: the workspace, the record, the log, the ledger, checkpoints.
grant select, insert, update, delete on
    projects, tasks, notes, brain_dumps, phases, phase_tasks, calendar_events, task_calendar_events,
    checkpoints, checkpoint_blobs, checkpoint_writes
    to planwright_worker;
grant select, insert, update on
    agents, agent_plans, agent_chat_sessions, agent_executions, tool_calls, model_usage
    to planwright_worker;
grant select, insert on agent_chat_messages, run_events, chat_messages to planwright_worker;
grant select, update on runs, chat_sessions to planwright_worker;
grant select on users to planwright_worker;

-- The API accepts messages, shows what is stored, and deletes sessions.
grant select on
    users, projects, tasks, notes, brain_dumps, phases, phase_tasks, calendar_events, task_calendar_events,
    agents, agent_plans, agent_chat_sessions, agent_chat_messages, agent_executions,
    tool_calls, model_usage, checkpoints, checkpoint_blobs, checkpoint_writes
    to planwright_api;
grant update (time_zone) on users to planwright_api;
grant select, insert, update, delete on chat_sessions to planwright_api;
grant select, insert, update on runs to planwright_api;
grant select, insert on chat_messages, run_events to planwright_api;
