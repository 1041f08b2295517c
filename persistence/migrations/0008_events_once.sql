-- Appends events whose key is new, a key that stands twice in one batch once, and
-- returns the number of the first, or 0. The counter on the run's row is the
-- sequence, the commit order and the fence.
create or replace function append_events(keys text[], types text[], payloads text[]) returns integer
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    run constant uuid := current_run_id();
    before integer;
    fresh integer;
begin
    perform pass_fence();
    select last_seq into before from runs where id = run;
    insert into run_events (run_id, seq, key, type, payload)
    select run, before + row_number() over (order by given.place), given.key, given.type, given.payload
    from (
        select distinct on (key) key, type, payload, place
        from unnest(keys, types, payloads) with ordinality as listed (key, type, payload, place)
        order by key, place
    ) as given
    where not exists (select from run_events e where e.run_id = run and e.key = given.key);
    get diagnostics fresh = row_count;
    if fresh = 0 then
        return 0;
    end if;
    update runs set last_seq = before + fresh where id = run;
    return before + 1;
end
$$;
