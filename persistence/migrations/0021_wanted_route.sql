-- How a person wants their message handled: as the planner decides, with a plan in any case, or answered at once.
-- It stands with the run, so whoever takes the run over knows it too.

alter table runs add column route text not null default 'auto' check (route in ('auto', 'plan', 'answer'));
alter table runs alter column route set statistics 0;
