-- What a hole in a tool's SQL could still have learned or done across people.

-- The planner's statistics are samples of everybody's rows. Nobody reads them past row security, but
-- EXPLAIN estimates by them, so that its numbers, asked often enough, spell out what others wrote.
-- Every statement here finds its rows by an owner and an id, in unique keys and in indexes that begin
-- with the owner: text, JSON, ids and arrays need no statistics.
do $$
declare
    spot record;
begin
    for spot in
        select c.relname, a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid
        where c.relnamespace = 'planwright'::regnamespace and c.relkind = 'r'
            and (t.typcategory in ('S', 'A') or t.typname in ('uuid', 'jsonb', 'bytea'))
    loop
        execute format('alter table %I alter column %I set statistics 0', spot.relname, spot.attname);
        if to_regprocedure('pg_clear_attribute_stats(text, text, text, boolean)') is not null then
            perform pg_clear_attribute_stats('planwright', spot.relname, spot.attname, false);
        end if;
    end loop;
end
$$;

-- What is done across people is done in nobody's name. A tool acts in somebody's, so it cannot.
create function in_nobodys_name() returns boolean
    language sql stable
    set search_path = pg_catalog, planwright, pg_temp
as $$ select planwright.current_user_id() is not distinct from '00000000-0000-0000-0000-000000000000' $$;
revoke all on function in_nobodys_name() from public;

create or replace function due_approvals() returns table (run_id uuid, user_id uuid)
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select a.run_id, a.user_id from planwright.approvals a
    where a.status = 'open' and a.expires_at <= clock_timestamp() and planwright.in_nobodys_name()
    order by a.expires_at
$$;

create or replace function begin_upkeep(spacing interval) returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    update planwright.upkeep set began_at = clock_timestamp()
    where began_at < clock_timestamp() - spacing and planwright.in_nobodys_name()
    returning true
$$;

create or replace function expire_events(ended_before timestamptz, most integer) returns bigint
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    with due as (
        select id from planwright.runs
        where finished_at < least(ended_before, now() - interval '1 day') and events_expired_at is null
            and planwright.in_nobodys_name()
        order by finished_at limit most
        for no key update skip locked),
    gone as (delete from planwright.run_events using due where run_id = due.id),
    marked as (
        update planwright.runs set events_expired_at = now() from due where runs.id = due.id returning true)
    select count(*) from marked
$$;

create or replace function expire_checkpoints(made_before timestamptz, most integer) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    bound constant text := first_checkpoint_id(least(made_before, now() - interval '1 day'));
    threads text[];
    deleted bigint;
begin
    if not in_nobodys_name() then
        return 0;
    end if;
    with old as (
        select c.user_id, c.session_id from checkpoints c
        where c.checkpoint_id < bound and not exists (
            select from runs r
            where r.user_id = c.user_id and r.session_id = c.session_id and r.finished_at is null)
        order by c.checkpoint_id limit most),
    held as (
        select id from chat_sessions where (user_id, id) in (select user_id, session_id from old)
        for no key update skip locked)
    select array_agg(id::text) into threads from held;
    threads := array(
        select thread from unnest(threads) as thread
        where not exists (select from runs r where r.session_id = thread::uuid and r.finished_at is null));
    delete from checkpoints where thread_id = any (threads) and checkpoint_id < bound;
    get diagnostics deleted = row_count;
    delete from checkpoint_writes where thread_id = any (threads) and checkpoint_id < bound;
    delete from checkpoint_blobs b
    where thread_id = any (threads) and not exists (
        select from checkpoints c
        where c.thread_id = b.thread_id and c.checkpoint_ns = b.checkpoint_ns
            and c.checkpoint -> 'channel_versions' ->> b.channel = b.version);
    return deleted;
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
    if not in_nobodys_name() then
        return 0;
    end if;
    update charges set charged_at = clock_timestamp()
    where charged_at is null and kind = 'token' and not exists (
        select from model_usage u where u.id = charges.id and u.outcome is null);
    delete from charges where charged_at < least(oldest, clock_timestamp() - interval '1 minute');
    delete from charges where charged_at > greatest(latest, clock_timestamp() + interval '1 minute');
    get diagnostics impossible = row_count;
    return impossible;
end
$$;
revoke all on function expire_charges(timestamptz, timestamptz) from public;
grant execute on function expire_charges(timestamptz, timestamptz) to planwright_worker;
