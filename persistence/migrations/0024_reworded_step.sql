-- A fork may say a step in other words.
alter table runs
    add column step_words text check (length(step_words) between 1 and 4000),
    add check (step_words is null or from_step is not null);
alter table runs alter column step_words set statistics 0;
comment on column runs.step_words is 'what its step from_step is to do, in place of what was recorded';
