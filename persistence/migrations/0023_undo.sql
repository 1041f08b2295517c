-- What a run's writes replaced, so that they can be undone, and which of them were.

-- One row for each row that a call wrote: what it was before, and what it became.
create table row_changes (
    id bigint generated always as identity,
    user_id uuid not null default current_user_id(),
    call_id uuid not null,
    table_name text not null check (table_name in (
        'projects', 'tasks', 'notes', 'brain_dumps', 'phases', 'phase_tasks', 'calendar_events',
        'task_calendar_events')),
    row_id uuid not null,
    before jsonb,
    after jsonb,
    primary key (user_id, call_id, id),
    foreign key (user_id, call_id) references tool_calls (user_id, id) on delete cascade,
    check (num_nonnulls(before, after) > 0)
);
comment on column row_changes.before is 'null when the call made the row';
comment on column row_changes.after is 'null when the call removed the row';

-- The ledger of undoing: a call is undone once.
create table undos (
    user_id uuid not null default current_user_id(),
    call_id uuid not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, call_id),
    foreign key (user_id, call_id) references tool_calls (user_id, id) on delete cascade
);

do $$
declare
    name text;
begin
    foreach name in array array['row_changes', 'undos'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own_rows on %I to planwright_api, planwright_worker, planwright_executor'
            ' using (user_id = (select current_user_id()))'
            ' with check (user_id = (select current_user_id()))', name);
    end loop;
end
$$;
alter table row_changes
    alter column user_id set statistics 0,
    alter column call_id set statistics 0,
    alter column table_name set statistics 0,
    alter column row_id set statistics 0,
    alter column before set statistics 0,
    alter column after set statistics 0;
alter table undos
    alter column user_id set statistics 0,
    alter column call_id set statistics 0;
grant select, insert on row_changes, undos to planwright_worker;
grant select on undos to planwright_api;

-- Keeps what a statement makes of a row, in its transaction, for the call that the transaction is of.
create function record_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    insert into row_changes (call_id, table_name, row_id, before, after)
    values (
        current_setting('planwright.call')::uuid,
        tg_table_name,
        case tg_op when 'DELETE' then old.id else new.id end,
        case tg_op when 'INSERT' then null else to_jsonb(old) end,
        case tg_op when 'DELETE' then null else to_jsonb(new) end);
    return null;
end
$$;

-- Puts a row back as it was before a change. Null when it did; else why the row stays as it is:
-- `changed` since, `gone`, or `in_use` by what was added to it since. When it was last touched is no change.
create function put_back(change row_changes) returns text
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    standing jsonb;
    columns text;
begin
    execute format('select to_jsonb(t) from %I as t where id = $1 for update', change.table_name)
        into standing using change.row_id;
    if standing is null or change.after is null then
        return 'gone';  -- no tool removes a row: what pointed at one would not be known
    end if;
    if standing - 'updated_at' is distinct from change.after - 'updated_at' then
        return 'changed';
    end if;
    if change.before is null then
        if change.table_name = 'tasks' and (
            exists (select from tasks where parent_task_id = change.row_id and deleted_at is null)
            or exists (select from tasks where change.row_id = any (dependencies) and deleted_at is null)
            or exists (select from phase_tasks where task_id = change.row_id)
            or exists (select from task_calendar_events where task_id = change.row_id and deleted_at is null))
            or change.table_name = 'calendar_events' and exists (
                select from task_calendar_events where event_id = change.row_id and deleted_at is null)
        then
            return 'in_use';
        end if;
        if standing ? 'deleted_at' then
            execute format('update %I set deleted_at = now() where id = $1', change.table_name) using change.row_id;
        else
            execute format('delete from %I where id = $1', change.table_name) using change.row_id;
        end if;
        return null;
    end if;
    select string_agg(format('%1$I = was.%1$I', key), ', ') into columns
    from jsonb_each(change.before)
    where key <> 'updated_at' and value is distinct from change.after -> key;
    if columns is not null then
        execute format('update %1$I as t set %2$s from jsonb_populate_record(null::%1$I, $1) as was where t.id = $2',
            change.table_name, columns) using change.before, change.row_id;
    end if;
    return null;
end
$$;
revoke all on function record_change(), put_back(row_changes) from public;
grant execute on function put_back(row_changes) to planwright_worker;

do $$
declare
    name text;
begin
    foreach name in array array[
        'projects', 'tasks', 'notes', 'brain_dumps', 'phases', 'phase_tasks', 'calendar_events',
        'task_calendar_events']
    loop
        execute format(
            'create trigger record_change after insert or update or delete on %I for each row'
            ' when (current_setting(''planwright.call'', true) > '''') execute function record_change()', name);
    end loop;
end
$$;
