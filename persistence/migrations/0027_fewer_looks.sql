-- Whom a transaction says that it is of. Nobody has verified it: it is for what row security, which does, looks at as
-- well. To verify was the largest single thing that Postgres did in a complex run (docs/decisions/0027).
create function claimed_user_id() returns uuid
    language sql stable
    return nullif(split_part(current_setting('planwright.context', true), '|', 1), '')::uuid;

create function claimed_run_id() returns uuid
    language sql stable
    return nullif(split_part(current_setting('planwright.context', true), '|', 2), '')::uuid;

create function claimed_attempt() returns integer
    language sql stable
    return nullif(split_part(current_setting('planwright.context', true), '|', 3), '')::integer;

revoke all on function claimed_user_id(), claimed_run_id(), claimed_attempt() from public;
grant execute on function claimed_user_id(), claimed_run_id(), claimed_attempt() to planwright_api, planwright_worker;
drop function current_run_id(), current_attempt();

-- As before, in two expressions: each one more is prepared in every transaction.
create or replace function context_field(place integer) returns text
    language plpgsql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    context constant text := current_setting('planwright.context', true);
    key context_keys;
begin
    select * into key from context_keys;
    return case
        when right(context, 64) = encode(
                sha256(key.outer_pad || sha256(key.inner_pad || convert_to(left(context, -65), 'UTF8'))), 'hex')
            and split_part(context, '|', 4) = session_user
            and split_part(context, '|', 5)::bigint >= extract(epoch from clock_timestamp())
        then nullif(split_part(context, '|', place), '') end;
end
$$;

-- What a run writes again and again. Row security holds each row's owner against the verified one.
do $$
declare
    name text;
begin
    foreach name in array array[
        'runs', 'run_events', 'chat_sessions', 'chat_messages', 'agents', 'agent_plans', 'agent_chat_sessions',
        'agent_chat_messages', 'agent_executions', 'tool_calls', 'model_usage', 'charges',
        'checkpoints', 'checkpoint_blobs', 'checkpoint_writes']
    loop
        execute format('alter table %I alter column user_id set default claimed_user_id()', name);
    end loop;
end
$$;

create or replace function pass_fence() returns void
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    perform from runs
    where id = claimed_run_id() and attempt = claimed_attempt() and status = 'running'
    for no key update;
    if not found then
        raise exception 'this attempt no longer holds the run' using errcode = 'PW001';
    end if;
end
$$;

-- The number of the newest event of a run. It looks up one entry of an index, which the planner takes for much more.
create function newest_event(run uuid) returns integer
    language sql stable cost 1
    return (select max(seq) from planwright.run_events where run_id = run);
revoke all on function newest_event(uuid) from public;
grant execute on function newest_event(uuid) to planwright_api, planwright_worker;

-- Appends events as before. The last number is looked up behind the run's lock, in the log's own index: to keep it on the
-- run's row was a new version of that row for each time, with all of its checks. It stands there when the run has ended.
create or replace function append_events(keys text[], types text[], payloads text[]) returns integer[]
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    run constant uuid := claimed_run_id();
    last integer;
    numbers integer[] := array_fill(null::integer, array[cardinality(keys)]);
begin
    perform pass_fence();
    select coalesce(max(seq), 0) into last from run_events where run_id = run;
    for place in 1 .. cardinality(keys) loop
        insert into run_events (run_id, seq, key, type, payload)
        values (run, last + 1, keys[place], types[place], payloads[place])
        on conflict (run_id, key) do nothing;
        if found then
            last := last + 1;
            numbers[place] := last;
        end if;
    end loop;
    return numbers;
end
$$;

-- Each statement that writes reads the checks of its table anew, as text. A list of words that is one value is a third
-- as long as one made of its words.
do $$
declare
    listing record;
begin
    for listing in
        select conrelid::regclass as place, conname, pg_get_constraintdef(oid) as rule from pg_constraint
        where connamespace = 'planwright'::regnamespace and contype = 'c'
            and conrelid = any (array[
                'runs', 'run_events', 'agents', 'agent_plans', 'agent_chat_sessions', 'agent_chat_messages',
                'agent_executions', 'tool_calls', 'model_usage', 'charges']::regclass[])
            and pg_get_constraintdef(oid) ~ 'ARRAY\['
    loop
        execute format(
            'alter table %s drop constraint %I, add constraint %2$I %s', listing.place, listing.conname,
            regexp_replace(
                regexp_replace(listing.rule, '''(\w+)''::text', '\1', 'g'), 'ARRAY\[([^]]*)\]', '''{\1}''::text[]', 'g'));
    end loop;
end
$$;
