-- How the installation stands, for readiness and metrics: numbers over all people, for
-- whoever asks in nobody's name.

-- Which migrations ran, how many jobs wait in a queue and for how long the one that
-- waits longest, and how many processes gave a sign of life within the lease.
create function standing(in_queue text, lease double precision)
    returns table (migrations text[], waiting bigint, oldest_seconds double precision, workers bigint)
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select array(select name from planwright.schema_migrations),
        count(job.id),
        coalesce(extract(epoch from clock_timestamp() - min(e.at)), 0)::double precision,
        (select count(*) from planwright_queue.procrastinate_workers
            where last_heartbeat >= clock_timestamp() - make_interval(secs => lease))
    from planwright_queue.procrastinate_jobs job
    join planwright_queue.procrastinate_events e on e.job_id = job.id and e.type = 'deferred'
    where job.status = 'todo' and job.queue_name = in_queue
    having planwright.in_nobodys_name()
$$;

-- How many runs have not ended, and how many ended within an hour, by their status.
create function runs_by_status() returns table (status text, runs bigint)
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select status, count(*) from planwright.runs
    where finished_at is null and planwright.in_nobodys_name() group by status
    union all
    select status, count(*) from planwright.runs
    where finished_at > clock_timestamp() - interval '1 hour' and events_expired_at is null
        and planwright.in_nobodys_name() group by status
$$;

revoke all on function standing(text, double precision), runs_by_status() from public;
grant execute on function standing(text, double precision), runs_by_status() to planwright_api;
