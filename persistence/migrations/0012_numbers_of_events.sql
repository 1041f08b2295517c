-- Appends events as before, and returns the number of each in the order given; null for one whose key stood there
-- already. With the numbers, who appended can hand the events to readers in its own process.
drop function append_events(text[], text[], text[]);
create function append_events(keys text[], types text[], payloads text[]) returns integer[]
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    run constant uuid := current_run_id();
    before integer;
    numbers integer[];
begin
    perform pass_fence();
    select last_seq into before from runs where id = run;
    with fresh as (
        insert into run_events (run_id, seq, key, type, payload)
        select run, before + row_number() over (order by given.place), given.key, given.type, given.payload
        from (
            select distinct on (key) key, type, payload, place
            from unnest(keys, types, payloads) with ordinality as listed (key, type, payload, place)
            order by key, place
        ) as given
        where not exists (select from run_events e where e.run_id = run and e.key = given.key)
        returning key, seq
    )
    select coalesce(array_agg(fresh.seq order by listed.place), '{}') into numbers
    from unnest(keys) with ordinality as listed (key, place) left join fresh on fresh.key = listed.key;
    update runs set last_seq = (select max(number) from unnest(numbers) as number)
    where id = run and num_nonnulls(variadic numbers) > 0;
    return numbers;
end
$$;
revoke all on function append_events(text[], text[], text[]) from public;
grant execute on function append_events(text[], text[], text[]) to planwright_worker;
