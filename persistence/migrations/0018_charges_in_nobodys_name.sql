-- As in 0014, and in nobody's name only, as whatever is done across people.
create or replace function expire_charges(oldest timestamptz, latest timestamptz) returns bigint
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
