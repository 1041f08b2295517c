-- Who is asking. Every transaction of the program carries a signed context
-- (user | run | attempt | role | expiry | HMAC); row security believes nothing else.
--
-- HMAC-SHA256 is spelled out with the two padded keys of RFC 2104, because the
-- built-in sha256() is all that a server without pgcrypto offers.

create table context_keys (
    id smallint primary key default 1 check (id = 1),
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64)
);

create function context_field(place integer) returns text
    language plpgsql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
declare
    context constant text := current_setting('planwright.context', true);
    fields constant text[] := string_to_array(context, '|');
    signed constant text := left(context, -65);
    key context_keys;
begin
    if context is null or cardinality(fields) <> 6 then
        return null;
    end if;
    select * into key from context_keys;
    if fields[6] is distinct from
        encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(signed, 'UTF8'))), 'hex')
    then
        return null;
    end if;
    if fields[4] <> session_user or fields[5]::bigint < extract(epoch from clock_timestamp()) then
        return null;
    end if;
    return nullif(fields[place], '');
end
$$;

create function current_user_id() returns uuid
    language sql stable
    set search_path = pg_catalog, planwright, pg_temp
as $$ select planwright.context_field(1)::uuid $$;

create function current_run_id() returns uuid
    language sql stable
    set search_path = pg_catalog, planwright, pg_temp
as $$ select planwright.context_field(2)::uuid $$;

create function current_attempt() returns integer
    language sql stable
    set search_path = pg_catalog, planwright, pg_temp
as $$ select planwright.context_field(3)::integer $$;

create function touch_updated_at() returns trigger
    language plpgsql
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    new.updated_at := clock_timestamp();
    return new;
end
$$;

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null unique check (email = lower(email) and length(email) between 3 and 320),
    time_zone text not null default 'UTC',
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Signing in happens before there is a context, so these two questions are
-- asked with the owner's eyes and answer with one id only.
create function sign_up(wanted_email text, wanted_time_zone text) returns uuid
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    insert into planwright.users (email, time_zone)
    values (lower(wanted_email), wanted_time_zone)
    on conflict (email) do update set email = excluded.email
    returning id
$$;

create function may_sign_in(claimed_user uuid) returns boolean
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select exists (select from planwright.users where id = claimed_user and disabled_at is null)
$$;
