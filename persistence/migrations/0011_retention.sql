-- What a run leaves behind is kept for a while and then goes: the events of its
-- log, and LangGraph's checkpoints. Both go for all people at once, so the owner's
-- eyes are needed. Each function does one thing, to nothing that is younger than a
-- day, whatever it is told, and only workers may call it.

alter table runs add column events_expired_at timestamptz
    check (events_expired_at is null or finished_at is not null);
create index runs_with_events on runs (finished_at) where finished_at is not null and events_expired_at is null;
create index checkpoints_by_age on checkpoints (checkpoint_id);

create policy expiring on runs for update to planwright_owner using (true);
create policy expiring_found on run_events for select to planwright_owner using (true);
create policy expiring on run_events for delete to planwright_owner using (true);
create policy expiring_found on chat_sessions for select to planwright_owner using (true);
create policy expiring on chat_sessions for update to planwright_owner using (true) with check (false);
create policy expiring_found on checkpoints for select to planwright_owner using (true);
create policy expiring on checkpoints for delete to planwright_owner using (true);
create policy expiring_found on checkpoint_writes for select to planwright_owner using (true);
create policy expiring on checkpoint_writes for delete to planwright_owner using (true);
create policy expiring_found on checkpoint_blobs for select to planwright_owner using (true);
create policy expiring on checkpoint_blobs for delete to planwright_owner using (true);

-- When the last round of upkeep began, in whichever process.
create table upkeep (
    id smallint primary key default 1 check (id = 1),
    began_at timestamptz not null
);
insert into upkeep (began_at) values ('-infinity');

-- Says whether the caller is to do a round: true for one of any number that ask.
create function begin_upkeep(spacing interval) returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    update planwright.upkeep set began_at = clock_timestamp()
    where began_at < clock_timestamp() - spacing
    returning true
$$;

-- Deletes the logs of at most so many runs that ended before a moment, and says so
-- on the runs; returns how many there were.
create function expire_events(ended_before timestamptz, most integer) returns bigint
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    with due as (
        select id from planwright.runs
        where finished_at < least(ended_before, now() - interval '1 day') and events_expired_at is null
        order by finished_at limit most
        for no key update skip locked),
    gone as (delete from planwright.run_events using due where run_id = due.id),
    marked as (
        update planwright.runs set events_expired_at = now() from due where runs.id = due.id returning true)
    select count(*) from marked
$$;

-- The least id that a checkpoint of that moment can have: ids are UUIDs of version 6,
-- which begin with the time since 1582 in steps of 100 ns.
create function first_checkpoint_id(moment timestamptz) returns text
    language sql immutable
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select lpad(to_hex(ticks >> 28), 8, '0') || '-' || lpad(to_hex((ticks >> 12) & 65535), 4, '0')
    from (select (extract(epoch from moment) * 10000000)::bigint + 122192928000000000 as ticks) as since_1582
$$;

-- Deletes checkpoints that were made before a moment, with the writes and the values
-- that only they refer to, in the sessions of the `most` oldest; returns how many
-- checkpoints. A session that has a run which has not ended is left alone, and it gets
-- none meanwhile: accepting takes the session's row. What was accepted just before is
-- seen by the second look, once the row is ours.
create function expire_checkpoints(made_before timestamptz, most integer) returns bigint
    language plpgsql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    bound constant text := first_checkpoint_id(least(made_before, now() - interval '1 day'));
    threads text[];
    deleted bigint;
begin
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

revoke all on function
    begin_upkeep(interval), expire_events(timestamptz, integer), first_checkpoint_id(timestamptz),
    expire_checkpoints(timestamptz, integer)
    from public;
grant execute on function
    begin_upkeep(interval), expire_events(timestamptz, integer), expire_checkpoints(timestamptz, integer)
    to planwright_worker;
