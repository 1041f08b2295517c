-- The event log, the write ledger and the usage of each model call, with the
-- fence that every write of a run passes.

create table run_events (
    user_id uuid not null default current_user_id() references users on delete cascade,
    run_id uuid not null,
    seq integer not null check (seq >= 1),
    key text not null,
    type text not null check (type in (
        'session', 'analysis', 'plan_created', 'step_start', 'step_complete', 'executor_spawned',
        'executor_result', 'text', 'tool_call', 'tool_result', 'done', 'error')),
    payload text not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (run_id, seq),
    unique (run_id, key),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade
);
create unique index run_events_one_terminal on run_events (run_id) where type in ('done', 'error');

create table tool_calls (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    run_id uuid not null,
    key text not null,
    agent_id uuid not null,
    step_number integer,
    tool text not null,
    access text not null check (access in ('read', 'write')),
    arguments text not null,
    state text not null check (state in ('intent', 'applied', 'failed', 'denied', 'unknown')),
    result text,
    error_code text,
    duration_ms integer check (duration_ms >= 0),
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (run_id, key),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    foreign key (user_id, agent_id) references agents (user_id, id) on delete cascade,
    check ((state = 'intent') = (finished_at is null))
);
create index tool_calls_by_run on tool_calls (user_id, run_id, created_at);

create table model_usage (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    run_id uuid not null,
    agent_id uuid,
    purpose text not null,
    model text not null,
    reserved_tokens integer not null check (reserved_tokens >= 0),
    prompt_tokens integer check (prompt_tokens >= 0),
    completion_tokens integer check (completion_tokens >= 0),
    cached_tokens integer check (cached_tokens >= 0),
    estimated boolean not null default false,
    outcome text check (outcome in ('answered', 'failed', 'cancelled')),
    duration_ms integer check (duration_ms >= 0),
    created_at timestamptz not null default clock_timestamp(),
    settled_at timestamptz,
    unique (user_id, id),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    foreign key (user_id, agent_id) references agents (user_id, id) on delete cascade,
    check ((outcome is null) = (settled_at is null))
);
create index model_usage_window on model_usage (user_id, created_at);
create index model_usage_by_run on model_usage (user_id, run_id, created_at);

-- The fence: only the attempt that holds the run may write. It also takes the
-- run's row lock, which puts the writes of one run in commit order.
create function pass_fence() returns void
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    perform from runs
    where id = current_run_id() and attempt = current_attempt() and status = 'running'
    for no key update;
    if not found then
        raise exception 'this attempt no longer holds the run' using errcode = 'PW001';
    end if;
end
$$;

-- Appends events whose key is new and returns the sequence number of the first.
-- The counter on the run's row is the sequence, the commit order and the fence.
create function append_events(keys text[], types text[], payloads text[]) returns integer
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    run constant uuid := current_run_id();
    fresh integer;
    last integer;
begin
    perform pass_fence();
    select count(*) into fresh
    from unnest(keys) as given (key)
    where not exists (select from run_events e where e.run_id = run and e.key = given.key);
    if fresh = 0 then
        return 0;
    end if;
    update runs set last_seq = last_seq + fresh where id = run returning last_seq into last;
    insert into run_events (run_id, seq, key, type, payload)
    select run, last - fresh + row_number() over (order by given.place), given.key, given.type, given.payload
    from unnest(keys, types, payloads) with ordinality as given (key, type, payload, place)
    where not exists (select from run_events e where e.run_id = run and e.key = given.key);
    return last - fresh + 1;
end
$$;

-- Runs that nobody has ended, for a server that starts: ids only, all users.
create function unfinished_runs() returns table (run_id uuid, user_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select id, user_id from planwright.runs
    where finished_at is null and (lease_until is null or lease_until < clock_timestamp())
    order by created_at
$$;
