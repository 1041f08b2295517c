-- Row security asks who is asking nearly a thousand times in a complex run. Without a setting of their own
-- the planner puts these functions' bodies in their place: 5 µs a question, not 9. Their names are bound here, by
-- RETURN, so no search path can give them another meaning.
create or replace function current_user_id() returns uuid
    language sql stable
    return planwright.context_field(1)::uuid;

create or replace function current_run_id() returns uuid
    language sql stable
    return planwright.context_field(2)::uuid;

create or replace function current_attempt() returns integer
    language sql stable
    return planwright.context_field(3)::integer;
