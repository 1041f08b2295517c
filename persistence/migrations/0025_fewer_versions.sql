-- Appends events as before, for half the time: the fence is passed and the last number read by one look at the run,
-- and each event is a plain row. A run appends one to three at once, some thirty times.
create or replace function append_events(keys text[], types text[], payloads text[]) returns integer[]
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    run constant uuid := current_run_id();
    person constant uuid := current_user_id();
    before integer;
    last integer;
    numbers integer[] := array_fill(null::integer, array[cardinality(keys)]);
begin
    select last_seq into before from runs
    where id = run and attempt = current_attempt() and status = 'running'
    for no key update;
    if not found then
        raise exception 'this attempt no longer holds the run' using errcode = 'PW001';
    end if;
    last := before;
    for place in 1 .. cardinality(keys) loop
        insert into run_events (user_id, run_id, seq, key, type, payload)
        values (person, run, last + 1, keys[place], types[place], payloads[place])
        on conflict (run_id, key) do nothing;
        if found then
            last := last + 1;
            numbers[place] := last;
        end if;
    end loop;
    if last > before then
        update runs set last_seq = last where id = run;
    end if;
    return numbers;
end
$$;
revoke all on function append_events(text[], text[], text[]) from public;

-- A message finds its place behind the last one, which costs a look at an index. To count it in its conversation cost
-- a new version of that row for each message: two fifths of what storing one took. A conversation is counted when it ends.
create or replace function number_agent_message() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    select coalesce(max(position), 0) + 1 into new.position
    from agent_chat_messages where agent_session_id = new.agent_session_id;
    return new;
end
$$;

create function count_agent_messages() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    select count(*) into new.message_count from agent_chat_messages where agent_session_id = new.id;
    return new;
end
$$;
revoke all on function count_agent_messages() from public;
grant execute on function count_agent_messages() to planwright_worker;
create trigger count_messages before update of status on agent_chat_sessions
    for each row when (new.status <> 'active') execute function count_agent_messages();
