-- What a run may change, as taken from its person's own words before its first write. One row a run,
-- so that neither a crash nor a pause asks a second time.

create table write_intents (
    user_id uuid not null default current_user_id() references users on delete cascade,
    run_id uuid not null,
    intents jsonb not null check (jsonb_typeof(intents) = 'array'),
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, run_id),
    foreign key (user_id, run_id) references runs (user_id, id) on delete cascade
);

alter table write_intents enable row level security;
alter table write_intents force row level security;
create policy own_rows on write_intents to planwright_api, planwright_worker, planwright_executor
    using (user_id = (select current_user_id()))
    with check (user_id = (select current_user_id()));

grant select, insert on write_intents to planwright_worker;
grant select on write_intents to planwright_api;
