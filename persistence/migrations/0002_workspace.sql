-- The workspace: what the person asks about and what the tools read and write.
-- Owner and id travel together in every foreign key, so that no row can ever
-- point at another person's row.

create table projects (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    name text not null check (length(name) between 1 and 300),
    slug text not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    status text not null default 'active' check (status in ('active', 'paused', 'completed', 'archived')),
    description text not null default '',
    executive_summary text not null default '',
    context text not null default '',
    start_date date check (start_date between '1900-01-01' and '2200-12-31'),
    end_date date check (end_date between '1900-01-01' and '2200-12-31'),
    tags text[] not null default '{}',
    calendar_color_id text,
    calendar_sync_enabled boolean not null default false,
    core_integrity_ideals text not null default '',
    core_people_bonds text not null default '',
    core_goals_momentum text not null default '',
    core_meaning_identity text not null default '',
    core_reality_understanding text not null default '',
    core_trust_safeguards text not null default '',
    core_opportunity_freedom text not null default '',
    core_power_resources text not null default '',
    core_harmony_integration text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (user_id, slug),
    check (end_date >= start_date)
);
create index projects_newest on projects (user_id, updated_at desc, id);

create table tasks (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    project_id uuid,
    parent_task_id uuid,
    title text not null check (length(title) between 1 and 500),
    description text not null default '',
    details text not null default '',
    status text not null default 'backlog' check (status in ('backlog', 'in_progress', 'done', 'blocked')),
    priority text not null default 'medium' check (priority in ('low', 'medium', 'high')),
    task_type text not null default 'one_off' check (task_type in ('one_off', 'recurring')),
    start_date timestamptz check (start_date between '1900-01-01' and '2200-12-31'),
    duration_minutes integer not null default 60 check (duration_minutes between 1 and 14400),
    recurrence_pattern text check (recurrence_pattern in ('daily', 'weekdays', 'weekly', 'biweekly', 'monthly')),
    recurrence_ends date,
    dependencies uuid[] not null default '{}',
    completed_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, project_id) references projects (user_id, id) on delete set null (project_id),
    foreign key (user_id, parent_task_id) references tasks (user_id, id) on delete cascade,
    check (parent_task_id <> id),
    check ((status = 'done') = (completed_at is not null))
);
create index tasks_newest on tasks (user_id, created_at desc, id) where deleted_at is null;
create index tasks_by_start on tasks (user_id, start_date, id) where deleted_at is null;
create index tasks_by_project on tasks (user_id, project_id, status) where deleted_at is null;
create index tasks_by_parent on tasks (user_id, parent_task_id) where parent_task_id is not null;

create table notes (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    project_id uuid,
    title text check (length(title) between 1 and 500),
    content text not null,
    category text check (length(category) between 1 and 100),
    tags text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, project_id) references projects (user_id, id) on delete set null (project_id)
);
create index notes_newest on notes (user_id, created_at desc, id);
create index notes_by_project on notes (user_id, project_id, created_at desc);

create table brain_dumps (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    project_id uuid,
    title text check (length(title) between 1 and 500),
    content text not null,
    ai_summary text,
    status text not null default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, project_id) references projects (user_id, id) on delete set null (project_id)
);
create index brain_dumps_newest on brain_dumps (user_id, created_at desc, id);
create index brain_dumps_by_project on brain_dumps (user_id, project_id, created_at desc);

create table phases (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    project_id uuid not null,
    name text not null check (length(name) between 1 and 300),
    description text not null default '',
    position integer not null check (position >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (project_id, position),
    foreign key (user_id, project_id) references projects (user_id, id) on delete cascade
);

create table phase_tasks (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    phase_id uuid not null,
    task_id uuid not null,
    position integer not null check (position >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    unique (phase_id, task_id),
    foreign key (user_id, phase_id) references phases (user_id, id) on delete cascade,
    foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade
);
create index phase_tasks_by_task on phase_tasks (user_id, task_id);

create table calendar_events (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    summary text not null check (length(summary) between 1 and 500),
    description text not null default '',
    starts_at timestamptz not null check (starts_at between '1900-01-01' and '2200-12-31'),
    ends_at timestamptz not null check (ends_at between '1900-01-01' and '2200-12-31'),
    all_day boolean not null default false,
    time_zone text not null default 'UTC',
    recurrence text check (recurrence in ('daily', 'weekdays', 'weekly', 'biweekly', 'monthly')),
    recurrence_ends date,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    check (ends_at >= starts_at)
);
create index calendar_events_by_start on calendar_events (user_id, starts_at, id) where deleted_at is null;
create index calendar_events_recurring on calendar_events (user_id, starts_at)
    where deleted_at is null and recurrence is not null;

create table task_calendar_events (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    task_id uuid not null,
    event_id uuid not null,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (user_id, id),
    foreign key (user_id, task_id) references tasks (user_id, id) on delete cascade,
    foreign key (user_id, event_id) references calendar_events (user_id, id) on delete cascade
);
create unique index task_calendar_events_one_live_link on task_calendar_events (user_id, task_id)
    where deleted_at is null;
create index task_calendar_events_by_event on task_calendar_events (user_id, event_id);
