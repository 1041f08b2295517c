-- Runs made from the record of another: a replay asks no model and writes nothing, a fork goes its own way from
-- some step on, or from the beginning.

alter table runs
    add column replay_of uuid,
    add column from_step integer check (from_step >= 1),
    add column asked_model text check (length(asked_model) between 1 and 200),
    add column writes text not null default 'live' check (writes in ('live', 'dry', 'recorded')),
    add foreign key (user_id, replay_of) references runs (user_id, id) on delete set null (replay_of);
create index runs_by_original on runs (user_id, replay_of) where replay_of is not null;
alter table runs
    alter column replay_of set statistics 0,
    alter column asked_model set statistics 0,
    alter column writes set statistics 0;
comment on column runs.replay_of is 'the run whose record this one goes by, as long as that is there';
comment on column runs.from_step is 'the step from which on it goes its own way; null is from the beginning';
comment on column runs.writes is 'dry: nothing is changed; recorded: nothing is done at all, as all that is told was done before';

-- A write that was only tried out: checked, and rolled back.
alter table tool_calls drop constraint tool_calls_state_check;
alter table tool_calls add constraint tool_calls_state_check
    check (state in ('intent', 'applied', 'failed', 'denied', 'unknown', 'dry'));
