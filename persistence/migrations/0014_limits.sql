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

-- What of a reservation is meant for the answer; workers of the release before, which do not say, always mean this many.
alter table model_usage add column answer_tokens integer not null default 1000 check (answer_tokens >= 0);

-- The run was refused a model call, because its calls or its person's tokens are spent.
alter table runs add column budget_spent_at timestamptz;

revoke all on function hold_allowance() from public;
grant execute on function hold_allowance() to planwright_api, planwright_worker;

-- Only some runs of one person are at work at a time (`claim`). One that found no place has no job any more
-- until one of the person's ends, or, should both have overlooked each other, until a worker's next beat.
create index runs_of_person on runs (user_id, created_at, id) where finished_at is null;

-- Says whether a run may be worked on as far as its session goes, and no job of one of these states says so.
create function planwright_queue.is_left(run planwright.runs, states planwright_queue.procrastinate_job_status[])
    returns boolean
    language sql stable
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
    select run.status = 'queued'
        and not exists (
            select from planwright.runs earlier
            where earlier.session_id = run.session_id and earlier.finished_at is null and earlier.id <> run.id
                and (earlier.status <> 'queued' or (earlier.created_at, earlier.id) < (run.created_at, run.id)))
        and not exists (
            select from procrastinate_jobs job
            where job.status = any (states) and job.queueing_lock = run.id || ':' || run.attempt)
$$;

-- Gives the person's next run to the workers, in whichever session, when a place has become free.
create function planwright_queue.hand_on_next() returns void
    language plpgsql security definer
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
declare
    next planwright.runs;
begin
    select * into next from planwright.runs run
    where user_id = planwright.current_user_id() and finished_at is null
        and planwright_queue.is_left(run, array['todo']::procrastinate_job_status[])
    order by created_at, id limit 1;
    if found then
        perform planwright_queue.add_job(next, next.queue);
    end if;
end
$$;

-- As in 0009, and gives the first run of each person that has no job to those who work on `my_queue`. A job that
-- failed in the queue of another process is left to that one, as long as it may be there.
create or replace function planwright_queue.beat(me bigint, my_queue text, held bigint[], lease double precision)
    returns integer
    language plpgsql security definer
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
declare
    long_ago constant timestamptz := clock_timestamp() - make_interval(secs => lease);
    lost procrastinate_jobs;
    run planwright.runs;
    replaced integer := 0;
begin
    insert into procrastinate_workers (id, last_heartbeat) overriding system value values (me, clock_timestamp())
    on conflict (id) do update set last_heartbeat = excluded.last_heartbeat;
    for lost in
        select * from procrastinate_jobs job
        where status in ('failed', 'aborted') and (queue_name in ('runs', my_queue) or not exists (
                select from procrastinate_events e where e.job_id = job.id and e.at >= long_ago))
            or status = 'doing' and pg_postmaster_start_time() < long_ago and not exists (
                select from procrastinate_workers w where w.id = job.worker_id and w.last_heartbeat >= long_ago)
            or status = 'doing' and worker_id = me and id <> all (held) and not exists (
                select from procrastinate_events e where e.job_id = job.id and e.at >= long_ago)
            or status = 'todo' and queue_name not in ('runs', my_queue) and not exists (
                select from procrastinate_events e where e.job_id = job.id and e.at >= long_ago)
        order by id
        for update skip locked
    loop
        delete from procrastinate_jobs where id = lost.id;
        select * into run from planwright.runs
        where id = (lost.args ->> 'run_id')::uuid
            and (status = 'running' and job_id = lost.id
                or status in ('queued', 'running') and attempt = (lost.args ->> 'attempt')::integer);
        if found then
            perform planwright_queue.add_job(run, case lost.queue_name when my_queue then my_queue else 'runs' end);
            replaced := replaced + 1;
        end if;
    end loop;
    for run in
        select distinct on (user_id) left_behind.* from planwright.runs left_behind
        where finished_at is null and queue = my_queue
            and planwright_queue.is_left(left_behind, array['todo', 'doing']::procrastinate_job_status[])
        order by user_id, created_at, id
    loop
        perform planwright_queue.add_job(run, my_queue);
    end loop;
    return replaced;
end
$$;

revoke all on function
    planwright_queue.is_left(planwright.runs, planwright_queue.procrastinate_job_status[]),
    planwright_queue.hand_on_next()
    from public;
grant execute on function planwright_queue.hand_on_next() to planwright_worker;
