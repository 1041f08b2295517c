-- Steps that only read start while their plan is still being written. Until it is announced, the plan has
-- revision 0, and what happens in its steps is held here, in the order of its commits.

alter table agent_plans drop constraint agent_plans_revision_check;
alter table agent_plans add constraint agent_plans_revision_check check (revision >= 0);

create table held_events (
    id bigint generated always as identity,
    user_id uuid not null default current_user_id(),
    run_id uuid not null,
    step_number integer not null,
    key text not null,
    type text not null,
    payload text not null,
    primary key (run_id, key),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade
);
create index held_events_by_run on held_events (user_id, run_id);
alter table held_events
    alter column user_id set statistics 0,
    alter column run_id set statistics 0,
    alter column key set statistics 0,
    alter column type set statistics 0,
    alter column payload set statistics 0;

alter table held_events enable row level security;
alter table held_events force row level security;
create policy own_rows on held_events to planwright_api, planwright_worker, planwright_executor
    using (user_id = (select current_user_id()))
    with check (user_id = (select current_user_id()));

grant select, insert, delete on held_events to planwright_worker;
grant select on held_events to planwright_api;
