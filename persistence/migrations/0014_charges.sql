-- What each person spent lately: requests, and tokens of models. A sliding log, one row a charge, which
-- outlives the session it was for: deleting that gives nothing back.

create table charges (
    id uuid primary key,
    user_id uuid not null default current_user_id() references users on delete cascade,
    kind text not null check (kind in ('request', 'token')),
    amount bigint not null check (amount >= 0),
    reserved_at timestamptz not null default clock_timestamp(),
    charged_at timestamptz
);
comment on column charges.charged_at is 'null while the call that it is reserved for is under way';
create index charges_window on charges (user_id, kind, charged_at);

alter table charges enable row level security;
alter table charges force row level security;
create policy own_rows on charges to planwright_api, planwright_worker, planwright_executor
    using (user_id = (select current_user_id()))
    with check (user_id = (select current_user_id()));
create policy expiring on charges to planwright_owner using (true);
create policy expiring_found on model_usage for select to planwright_owner using (true);

grant select, insert on charges to planwright_api, planwright_worker;
grant update (amount, charged_at) on charges to planwright_worker;

-- Lets nobody else charge the person until this transaction ends; returns the moment from then on.
create function hold_allowance() returns timestamptz
    language plpgsql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    perform from users where id = current_user_id() for no key update;
    return clock_timestamp();
end
$$;

-- Deletes what no window holds any more, of all people, and mends what cannot be: a charge dated past
-- `latest` goes, and what was reserved for a call that is no more is charged now. Returns how many of these.
create function expire_charges(oldest timestamptz, latest timestamptz) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    impossible bigint;
begin
    update charges set charged_at = clock_timestamp()
    where charged_at is null and kind = 'token' and not exists (
        select from model_usage u where u.id = charges.id and u.outcome is null);
    delete from charges where charged_at < least(oldest, clock_timestamp() - interval '1 minute');
    delete from charges where charged_at > greatest(latest, clock_timestamp() + interval '1 minute');
    get diagnostics impossible = row_count;
    return impossible;
end
$$;

-- What of a reservation is meant for the answer; until now it was always this many.
alter table model_usage add column answer_tokens integer not null default 1000 check (answer_tokens >= 0);
alter table model_usage alter column answer_tokens drop default;

-- The run was refused a model call, because its calls or its person's tokens are spent.
alter table runs add column budget_spent_at timestamptz;

revoke all on function hold_allowance(), expire_charges(timestamptz, timestamptz) from public;
grant execute on function hold_allowance() to planwright_api, planwright_worker;
grant execute on function expire_charges(timestamptz, timestamptz) to planwright_worker;
