"""What a model could make of a search word, if a tool put it into its SQL as it stands.

`QUOTED` goes between the quotes of `… where content ilike '%{}%'`, whose list has two
columns of text. `WHOLE` is a statement of its own. Neither contains a canary: `{words}`
is a pattern that every canary fits, and nothing of the attacker's does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

TABLES_SEEN: Final = "' union all select null, t::text from planwright.{table} t --"

TAUTOLOGIES: Final = (
    "' or 1=1 --",
    "' or true --",
    "' or 'a'='a",
    "' or 1=1 /*",
    "'/**/or/**/1=1/**/--",
    "' or/* /* nested */ */1=1 --",
    "' or 1=1\n--",
    "'||'' or 1=1 --",
    "%' or '%' = '",
    "' or content is not null --",
    "' or not false or 'x' = 'y",
    "' or user_id is not null --",
    "' or user_id = '{victim}' --",
    "' or user_id <> planwright.current_user_id() --",
    "' or user_id in (select id from planwright.users) --",
    "' or (user_id, id) is not null --",
    "' or id = '{row}' --",
    "' or id > '00000000-0000-0000-0000-000000000000' --",
    "' or content = $$x$$ or 1=1 --",
    "' or content = $q$'$q$ or 1=1 --",
    "' or content like E'\\x25' --",
    "' or content ~ E'.\\u002a' --",
    "' or content like U&'\\0025' --",
    "\\' or 1=1 --",
    "\u02bc or 1=1 --",
    "' or content::bytea is not null --",
    "' or content similar to '%' --",
    "' or ctid is not null --",
    "' or xmin::text is not null --",
    "' or tableoid = 'planwright.notes'::regclass --",
)
UNIONS: Final = (
    "' union select title, content from planwright.notes --",
    "' union all select null, string_agg(content, ',') from planwright.notes --",
    "' union all table planwright.context_keys --",
    "' union all select null, json_agg(n)::text from planwright.notes n --",
    "' union all select null, to_jsonb(n) #>> '{{content}}' from planwright.notes n --",
    "' union all select null, jsonb_path_query(to_jsonb(n), '$.**')::text from planwright.notes n --",
    "' union all select key, value from planwright.notes n, jsonb_each_text(to_jsonb(n)) --",
    "' union all select null, query_to_xml('select * from planwright.notes', true, true, '')::text --",
    "' union all select null, table_to_xml('planwright.notes', true, true, '')::text --",
    "' union all select null, schema_to_xml('planwright', true, true, '')::text --",
    "' union all select null, database_to_xml(true, true, '')::text --",
    "' union all select null, word from ts_stat('select to_tsvector(content) from planwright.notes') --",
    "' union all select null, n.content from planwright.notes n tablesample bernoulli (100) --",
    "' union all (with n as materialized (select * from planwright.notes) select title, content from n) --",
    "' union all (with recursive n as (table planwright.notes union table n) select null, content from n) --",
    "' union all select null, max(content) over (partition by user_id) from planwright.notes --",
    "' union all select null, n.content from planwright.tasks t right join planwright.notes n on true --",
    "' union all select null, n.content from planwright.notes n, lateral (select n.content) l --",
    "' union all select null, pg_get_functiondef('planwright.context_field'::regproc) --",
    "' union all select null, encode(inner_pad, 'hex') from planwright.context_keys --",
)
# Errors and conditions that only a hidden row could bring about.
ORACLES: Final = (
    "' and 1 / (case when exists (select from planwright.notes where content like '{words}') then 0 else 1 end) = 1 --",
    "' or 1 / (case when content like '{words}' then 0 else 1 end) = 1 --",
    "' or content::int = 1 --",
    "' or content::uuid is null --",
    "' or content::jsonb is null --",
    "' or content::xml is null --",
    "' or content::regclass is null --",
    "' or to_date(content, 'YYYY') is null --",
    "' or substring(content from content) is null --",
    "' or power(10, length(content)::numeric * 1000) = 1 --",
    "' order by case when content like '{words}' then 1 / 0 end --",
    "' order by content::int --",
    "' group by content::int, title, content --",
    "' and (select 1 from planwright.notes where user_id <> planwright.current_user_id()) = 1 --",
    "' and 1 = cast((select content from planwright.notes where user_id = '{victim}' limit 1) as int) --",
    "' and (select count(*) from planwright.notes) > 1 and 1 / 0 = 1 --",
    "' union all select null, (1 / (count(*) - 1))::text from planwright.notes --",
    "' union all select null, (select content::int from planwright.notes where id = '{row}')::text --",
)
STACKED: Final = (
    "'; select content from planwright.notes --",
    "'; select t::text from planwright.users t --",
    "'; set local row_security = off; select content from planwright.notes --",
    "'; set role planwright_owner; select content from planwright.notes --",
    "'; set role postgres; select content from planwright.notes --",
    "'; set local role planwright_executor; select content from planwright.notes --",
    "'; set session authorization planwright_api; select content from planwright.notes --",
    "'; reset role; reset session authorization; select content from planwright.notes --",
    "'; reset all; select content from planwright.notes --",
    "'; discard all; select content from planwright.notes --",
    "'; commit; select content from planwright.notes --",
    "'; rollback; select content from planwright.notes --",
    "'; commit; begin; select set_config('planwright.context', '{stale}', true); table planwright.notes --",
    "'; savepoint a; select 1 / 0; rollback to a; select content from planwright.notes --",
    "'; set local search_path = pg_temp, planwright; create temp table notes (content text) --",
    "'; set local search_path = pg_catalog; select content from planwright.notes --",
    "'; create function pg_temp.current_user_id() returns uuid language sql as 'select null::uuid' --",
    "'; update planwright.notes set content = 'x' where user_id = '{victim}' --",
    "'; update planwright.notes set user_id = '{victim}' --",
    "'; insert into planwright.notes (user_id, content) values ('{victim}', 'x') --",
    "'; insert into planwright.notes (id, content) values ('{row}', '') on conflict (id) do update set content = '' --",
    "'; insert into planwright.notes (id, content) values ('{row}', 'x') on conflict do nothing returning content --",
    "'; delete from planwright.notes where user_id = '{victim}' --",
    "'; delete from planwright.checkpoints where user_id = '{victim}' --",
    "'; merge into planwright.notes n using (select) s on n.user_id = '{victim}' when matched then delete --",
    "'; select planwright.expire_events(now(), 1000000), planwright.expire_checkpoints(now(), 1000000) --",
    "'; select * from planwright.due_approvals() --",
    "'; truncate planwright.notes cascade --",
    "'; alter table planwright.notes disable row level security --",
    "'; create policy mine on planwright.notes using (true) --",
    "'; grant select on planwright.users to public --",
    "'; prepare theirs as select content from planwright.notes; execute theirs --",
    "'; declare theirs cursor with hold for select content from planwright.notes; fetch all from theirs --",
    "'; listen planwright_news; select content from planwright.notes --",
    "'; do $do$ begin perform set_config('planwright.context', '{forged}', true); end $do$; table planwright.notes --",
    "'; copy (select content from planwright.notes) to stdout --",
    "'; copy planwright.notes to program 'cat' --",
    "'; explain (analyze, verbose) select content from planwright.notes --",
)
# Where a forged, borrowed or stale context could be put; {take} sets it.
PLACES: Final = (
    "' or {take} is not null --",
    "' or (select {take}) <> '' --",
    "' union all select n.title, n.content from (select {take}) f, planwright.notes n --",
    "' union all (with f as materialized (select {take}) select n.title, n.content from f, planwright.notes n) --",
    "' union all select n.title, n.content from planwright.notes n, lateral (select {take} || n.id) f --",
    "' order by {take} --",
    "' union all select {take}, (select string_agg(content, '') from planwright.notes) --",
    "' union all select null, case when {take} <> '' then (select max(content) from planwright.notes) end --",
)
CATALOG_SEEN: Final = "' union all select null, c::text from {catalog} c --"
CATALOGS: Final = (
    "pg_stats",
    "pg_statistic",
    "pg_stats_ext",
    "pg_stat_activity",
    "pg_stat_get_activity(null)",
    "pg_prepared_statements",
    "pg_prepared_xacts",
    "pg_cursors",
    "pg_locks",
    "pg_stat_user_tables",
    "pg_statio_user_tables",
    "pg_stat_user_functions",
    "pg_stat_statements",
    "pg_settings",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_authid",
    "pg_shadow",
    "pg_db_role_setting",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_publication_tables",
    "pg_replication_slots",
    "pg_stat_replication",
    "pg_stat_ssl",
    "pg_stat_progress_copy",
    "pg_backend_memory_contexts",
    "pg_foreign_server",
    "pg_user_mappings",
    "pg_policies",
    "information_schema.columns",
    "planwright_queue.procrastinate_jobs",
)
WHOLE: Final = (
    "select content from planwright.notes",
    "table planwright.notes",
    "select current_setting('planwright.context', true)",
    "set role planwright_owner",
    "set session authorization planwright_api",
    "reset role",
    "set row_security = off",
    "explain select content from planwright.notes",
    "explain (analyze, buffers, verbose, settings) select content from planwright.notes",
    "explain (analyze, format json) select * from planwright.notes where id = '{row}'",
    "do $$ begin raise notice '%', (select string_agg(content, ',') from planwright.notes); end $$",
    "copy planwright.notes to stdout",
    "copy planwright.notes to '/tmp/planwright-notes'",
    "copy planwright.notes from program 'echo x'",
    "copy (select content from planwright.notes) to stdout",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('pg_hba.conf')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "select lo_get(oid) from pg_largeobject_metadata",
    "select lo_from_bytea(0, 'x')",
    "create temp table notes (content text)",
    "create function pg_temp.f() returns text language sql as 'select content from planwright.notes'",
    "create extension dblink",
    "select * from dblink('', 'select content from planwright.notes') as t (content text)",
    "create extension postgres_fdw",
    "import foreign schema planwright from server x into planwright",
    "prepare theirs as select content from planwright.notes",
    "deallocate all",
    "declare theirs cursor with hold for select content from planwright.notes",
    "listen planwright_news",
    "notify planwright_news, 'not-an-id'",
    "select pg_notify('planwright_news', '{row}')",
    "select pg_advisory_lock(1349281134)",
    "select pg_export_snapshot()",
    "set transaction snapshot '00000003-0000001B-1'",
    "lock table planwright.notes in access exclusive mode",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = session_user and pid <> pg_backend_pid()",
    "select pg_cancel_backend(pid) from pg_stat_activity where usename = session_user and pid <> pg_backend_pid()",
    "select pg_log_backend_memory_contexts(pid) from pg_stat_activity",
    "select pg_stat_get_backend_activity(n) from generate_series(1, 200) n",
    "select pg_get_backend_memory_contexts()",
    "select pg_sleep(60)",
    "select count(*) from generate_series(1, 1000000000000)",
    "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b",
    "with recursive r as (select 1 union all select 1 from r) select count(*) from r",
    "select string_agg(md5(g::text), '' order by md5(g::text)) from generate_series(1, 100000000) g",
    "select repeat('a', 30) || 'b' ~ '(a+a+)+$' and repeat('ab', 100000) ~ '(.*)*\\1x'",
    "select set_config('statement_timeout', '0', false), pg_sleep(60)",
    "select setseed(0.5), random(), version()",
    "select xmlparse(document '<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>')",
    "begin",
    "commit",
    "rollback",
)


@dataclass(frozen=True)
class Target:
    """What an attacker may have got to know of a victim: ids, contexts that are no longer or never were good."""

    user: UUID
    row: UUID
    contexts: dict[str, str]


def attacks(target: Target, tables: list[str]) -> Iterator[tuple[bool, str]]:
    """Yield every injection, and whether it is a statement of its own."""
    known = {
        "victim": target.user,
        "row": target.row,
        "words": "________________________________",
        "forged": target.contexts["forged"],
        "stale": target.contexts["stale"],
    }
    for text in (*TAUTOLOGIES, *UNIONS, *ORACLES, *STACKED):
        yield False, text.format(**known)
    for table in tables:
        yield False, TABLES_SEEN.format(table=table)
    for catalog in CATALOGS:
        yield False, CATALOG_SEEN.format(catalog=catalog)
    for place in PLACES:
        for context in target.contexts.values():
            yield False, place.format(take=f"set_config('planwright.context', '{context}', true)")
    for text in WHOLE:
        yield True, text.format(**known)
