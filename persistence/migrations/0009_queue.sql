-- Runs reach workers through Procrastinate's queue, which `persistence/migrate.py` keeps in a
-- schema of its own. A job names the attempt that it follows, so of two jobs for one run only the
-- first is of any effect.
--
-- The functions here look at runs with the owner's eyes, and take their search path from
-- Procrastinate: the bodies of its functions and triggers name its tables without a schema.

drop function unfinished_runs();

alter table runs
    drop column lease_until,
    add column queue text not null default 'runs' check (length(queue) between 1 and 40),
    add column job_id bigint,
    add column crashes integer not null default 0 check (crashes >= 0);

-- Queues a run for its next attempt, once; whoever does it at the same moment is waited for.
create function planwright_queue.add_job(run planwright.runs, in_queue text) returns void
    language plpgsql
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
begin
    perform procrastinate_defer_jobs_v1(array[row (
        in_queue, 'work_on', 0, null, run.id || ':' || run.attempt,
        jsonb_build_object('run_id', run.id, 'user_id', run.user_id, 'attempt', run.attempt), null
    )::procrastinate_job_to_defer_v1]);
exception when unique_violation then
    null;
end
$$;

-- Gives the next run of a session to the workers, if it is waiting for its turn and that has come.
create function planwright_queue.hand_on(of_session uuid) returns void
    language plpgsql security definer
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
declare
    first planwright.runs;
begin
    select * into first from planwright.runs
    where session_id = of_session and user_id = planwright.current_user_id() and finished_at is null
    order by status = 'queued', created_at, id limit 1;
    if first.status = 'queued' then
        perform planwright_queue.add_job(first, first.queue);
    end if;
end
$$;

-- Tells the worker that holds a run to stop it.
create function planwright_queue.abort(stopped uuid) returns void
    language sql security definer
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
    select procrastinate_cancel_job_v1(job.id, true, false)
    from planwright.runs run join procrastinate_jobs job on job.id = run.job_id
    where run.id = stopped and run.user_id = planwright.current_user_id() and job.status = 'doing'
$$;

-- Has a run worked on through another queue, when it waits in one.
create function planwright_queue.bring(wanted uuid, into_queue text) returns void
    language plpgsql security definer
    set search_path = pg_catalog, planwright_queue, pg_temp
as $$
declare
    run planwright.runs;
begin
    select * into run from planwright.runs
    where id = wanted and user_id = planwright.current_user_id() and finished_at is null;
    delete from procrastinate_jobs
    where status = 'todo' and queueing_lock = run.id || ':' || run.attempt;
    if found then
        perform planwright_queue.add_job(run, into_queue);
    end if;
end
$$;

-- A worker's sign of life, by which it also replaces the jobs that nobody works on any more: those
-- of a worker that was silent for `lease` seconds or is gone, those that failed, those of its own
-- that it does not know, and those that wait in the queue of another process that does not fetch them.
-- When the server itself was away, nobody could give a sign of life: silence counts from its start.
-- Returns how many there were. A job is replaced and never given back: Procrastinate lets whoever had
-- it before end it, so that a worker that wakes up would end another's.
create function planwright_queue.beat(me bigint, my_queue text, held bigint[], lease double precision)
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
        where status in ('failed', 'aborted')
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
    return replaced;
end
$$;

-- What the release before left unfinished: the first run of each session.
select planwright_queue.add_job(run, 'runs') from runs run
where run.finished_at is null and not exists (
    select from runs earlier
    where earlier.session_id = run.session_id and earlier.finished_at is null
        and (earlier.created_at, earlier.id) < (run.created_at, run.id));

revoke all on all functions in schema planwright_queue from public;
grant usage on schema planwright_queue to planwright_api, planwright_worker, planwright_dispatch;
grant execute on function
    planwright_queue.hand_on(uuid), planwright_queue.abort(uuid), planwright_queue.bring(uuid, text)
    to planwright_api, planwright_worker;
