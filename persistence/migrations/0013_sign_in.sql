-- Signing in. A user may be known by another issuer's subject instead of an address;
-- and what we hand out ourselves (API tokens, the page's sessions, one-time links) is
-- kept as a SHA-256 digest of what the holder has.

alter table users
    alter column email drop not null,
    add column issuer text check (length(issuer) between 1 and 500),
    add column subject text check (length(subject) between 1 and 255),
    add unique (issuer, subject),
    add check ((issuer is null) = (subject is null)),
    add check (email is not null or subject is not null);

create table credentials (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null default current_user_id() references users on delete cascade,
    kind text not null check (kind in ('token', 'session', 'link')),
    digest bytea not null unique check (length(digest) = 32),
    name text not null default '' check (length(name) <= 100),
    scopes text[] not null check (scopes <@ array['read', 'write', 'admin']),
    made_with uuid,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    unique (user_id, id),
    foreign key (user_id, made_with) references credentials (user_id, id) on delete cascade
);
create index credentials_made_with on credentials (user_id, made_with) where made_with is not null;

alter table credentials enable row level security;
alter table credentials force row level security;
create policy own_rows on credentials to planwright_api, planwright_worker, planwright_executor
    using (user_id = (select current_user_id()))
    with check (user_id = (select current_user_id()));
create policy signing_in on credentials to planwright_owner using (true) with check (true);

-- The digest is written and looked up, never read.
grant select (id, user_id, kind, name, scopes, made_with, expires_at, last_used_at, created_at),
    insert (kind, digest, name, scopes, made_with, expires_at), delete
    on credentials to planwright_api;

-- Whom an issuer means by a subject, compared byte by byte.
create function user_of_subject(claimed_issuer text, claimed_subject text) returns uuid
    language sql stable security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    select id from planwright.users
    where issuer = claimed_issuer and subject = claimed_subject and disabled_at is null
$$;

-- The same, made if absent. Of many that ask at once one makes the user, and the others see it.
create function sign_up_subject(claimed_issuer text, claimed_subject text, wanted_time_zone text) returns uuid
    language plpgsql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
begin
    insert into users (issuer, subject, time_zone)
    values (claimed_issuer, claimed_subject, wanted_time_zone)
    on conflict (issuer, subject) do nothing;
    return user_of_subject(claimed_issuer, claimed_subject);
end
$$;

-- Who holds a credential. When it was last used is written every ten minutes at most,
-- and by one of any number of requests at once: the others do not wait.
create function holder_of(claimed_kind text, claimed_digest bytea)
    returns table (user_id uuid, credential_id uuid, scopes text[], expires_at timestamptz)
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    with held as (
        select c.id, c.user_id, c.scopes, c.expires_at from planwright.credentials c
        join planwright.users u on u.id = c.user_id
        where c.kind = claimed_kind and c.digest = claimed_digest
            and c.expires_at > clock_timestamp() and u.disabled_at is null),
    unnoted as (
        select c.id from planwright.credentials c join held on held.id = c.id
        where c.last_used_at is null or c.last_used_at < clock_timestamp() - interval '10 minutes'
        for no key update of c skip locked),
    noted as (
        update planwright.credentials c set last_used_at = clock_timestamp() from unnoted where c.id = unnoted.id)
    select held.user_id, held.id, held.scopes, held.expires_at from held
$$;

-- Takes a one-time link and opens a session for its holder; true for one of any number that try.
create function open_session(link_digest bytea, session_digest bytea, lives interval) returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, planwright, pg_temp
as $$
    with taken as (
        delete from planwright.credentials c using planwright.users u
        where c.kind = 'link' and c.digest = link_digest and c.expires_at > clock_timestamp()
            and u.id = c.user_id and u.disabled_at is null
        returning c.user_id, c.scopes),
    opened as (
        insert into planwright.credentials (user_id, kind, digest, scopes, expires_at)
        select user_id, 'session', session_digest, scopes, clock_timestamp() + lives from taken
        returning true)
    select exists (select from opened)
$$;

revoke all on function
    user_of_subject(text, text), sign_up_subject(text, text, text), holder_of(text, bytea),
    open_session(bytea, bytea, interval)
    from public;
grant execute on function
    user_of_subject(text, text), sign_up_subject(text, text, text), holder_of(text, bytea),
    open_session(bytea, bytea, interval)
    to planwright_api;
