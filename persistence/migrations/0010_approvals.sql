-- Approvals: a run that waits for a person, and what the person said of each call it waits for.

create table approvals (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    run_id uuid not null,
    position integer not null check (position >= 1),
    digest text not null,
    status text not null default 'open' check (status in ('open', 'approved', 'denied', 'expired', 'cancelled')),
    said_digest text,
    note text check (length(note) <= 1000),
    expires_at timestamptz not null,
    created_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (run_id, position),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade,
    check ((status = 'open') = (closed_at is null)),
    check ((status in ('approved', 'denied')) = (said_digest is not null))
);
create unique index approvals_one_open on approvals (run_id) where status = 'open';
create index approvals_due on approvals (expires_at) where status = 'open';

-- A call is asked about once before it acts, and once more when nobody knows what it did.
create table approval_calls (
    user_id uuid not null default current_user_id() references users on delete cascade,
    approval_id uuid not null,
    call_id uuid not null,
    position integer not null check (position >= 1),
    outcome_unknown boolean not null,
    tool text not null,
    arguments text not null,
    target text not null,
    changes jsonb not null check (jsonb_typeof(changes) = 'array'),
    verdict text check (verdict in ('approved', 'edited', 'dropped', 'denied')),
    edited_arguments text,
    primary key (approval_id, call_id),
    unique (approval_id, position),
    unique (user_id, call_id, outcome_unknown),
    foreign key (user_id, approval_id) references approvals (user_id, id) on delete cascade,
    foreign key (user_id, call_id) references tool_calls (user_id, id) on delete cascade,
    check ((verdict is not distinct from 'edited') = (edited_arguments is not null))
);

do $$
declare
    name text;
begin
    foreach name in array array['approvals', 'approval_calls'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own_rows on %I to planwright_api, planwright_worker, planwright_executor'
            ' using (user_id = (select current_user_id()))'
            ' with check (user_id = (select current_user_id()))', name);
    end loop;
end
$$;
create trigger touch before update on approvals for each row execute function touch_updated_at();
create policy finding_due on approvals for select to planwright_owner using (true);

grant select, insert on approvals, approval_calls to planwright_worker;
grant update (status, closed_at) on approvals to planwright_worker;
grant select on approvals, approval_calls to planwright_api;
grant update (status, closed_at, said_digest, note) on approvals to planwright_api;
grant update (verdict, edited_arguments) on approval_calls to planwright_api;

-- Whose approvals ran out, for the upkeep: ids only, all users.
create function due_approvals() returns table (run_id uuid, user_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select a.run_id, a.user_id from planwright.approvals a
    where a.status = 'open' and a.expires_at <= clock_timestamp()
    order by a.expires_at
$$;
revoke all on function due_approvals() from public;
grant execute on function due_approvals() to planwright_worker;

-- A call of an external tool that began and has no outcome may have had its effect.
alter table tool_calls add column started_at timestamptz;

-- A pause is a `done` that the same log goes on behind.
drop index run_events_one_terminal;
create unique index run_events_one_terminal on run_events (run_id)
    where type in ('done', 'error') and not starts_with(key, 'pause:');
