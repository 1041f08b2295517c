"""What `pg_catalog` must say of our schema: each rule is a query whose every row is a complaint."""

from typing import Final, LiteralString

from psycopg import Connection

RULES: Final[dict[str, LiteralString]] = {
    "a person's table forces row security": """
        select c.relname from pg_class c
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p', 'f')
            and (c.relname = 'users' or exists (
                select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))
            and not (c.relrowsecurity and c.relforcerowsecurity)
    """,
    "a person's table has one policy for our logins: the signed context, for reading and writing": """
        select c.relname from pg_class c
        cross join lateral (
            select format(
                '(%s = ( SELECT planwright.current_user_id() AS current_user_id))',
                case c.relname when 'users' then 'id' else 'user_id' end) as is_mine) as expected
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p', 'f')
            and (c.relname = 'users' or exists (
                select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped))
            and (
                select array_agg(row (p.cmd, p.permissive, p.qual, p.with_check)::text) from pg_policies p
                where p.schemaname = 'planwright' and p.tablename = c.relname
                    and p.roles && '{public, planwright_api, planwright_worker, planwright_executor}'
            ) is distinct from array[row ('ALL', 'PERMISSIVE', expected.is_mine, expected.is_mine)::text]
    """,
    "only what the owner's functions do across people has policies of its own": """
        select p.tablename || '.' || p.policyname from pg_policies p
        where p.schemaname = 'planwright'
            and not p.roles && '{public, planwright_api, planwright_worker, planwright_executor}'
            and (p.tablename, p.policyname, p.cmd, p.roles::text) not in (
                ('users', 'signing_in', 'ALL', '{planwright_owner}'),
                ('credentials', 'signing_in', 'ALL', '{planwright_owner}'),
                ('runs', 'finding_unfinished', 'SELECT', '{planwright_owner}'),
                ('runs', 'expiring', 'UPDATE', '{planwright_owner}'),
                ('approvals', 'finding_due', 'SELECT', '{planwright_owner}'),
                ('charges', 'expiring', 'ALL', '{planwright_owner}'),
                ('model_usage', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('run_events', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('run_events', 'expiring', 'DELETE', '{planwright_owner}'),
                ('chat_sessions', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('chat_sessions', 'expiring', 'UPDATE', '{planwright_owner}'),
                ('checkpoints', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('checkpoints', 'expiring', 'DELETE', '{planwright_owner}'),
                ('checkpoint_writes', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('checkpoint_writes', 'expiring', 'DELETE', '{planwright_owner}'),
                ('checkpoint_blobs', 'expiring_found', 'SELECT', '{planwright_owner}'),
                ('checkpoint_blobs', 'expiring', 'DELETE', '{planwright_owner}'))
    """,
    "a table of nobody's rows is one of four, and closed to our logins": """
        select c.relname || ' for ' || r.rolname from pg_class c, pg_roles r
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p', 'f') and c.relname <> 'users'
            and r.rolname in ('planwright_api', 'planwright_worker', 'planwright_executor')
            and not exists (
                select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped)
            and (c.relname not in ('context_keys', 'schema_migrations', 'checkpoint_migrations', 'upkeep')
                or has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references'))
    """,
    "whose row it is, the context says, and the row goes with that person": """
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p', 'f')
            and (not a.attnotnull
                or coalesce(pg_get_expr(d.adbin, d.adrelid), '')
                    not in ('planwright.current_user_id()', 'planwright.claimed_user_id()')
                or not exists (
                    select from pg_constraint f
                    where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey)
                        and f.confdeltype = 'c'))
    """,
    "whose a new row claims to be is held against the verified context, and nobody with the owner's eyes adds one": """
        with claiming as (
            select c.oid, c.relname from pg_class c join pg_attrdef d on d.adrelid = c.oid
            where c.relnamespace = 'planwright'::regnamespace
                and pg_get_expr(d.adbin, d.adrelid) = 'planwright.claimed_user_id()')
        select relname from claiming join pg_policy p on p.polrelid = claiming.oid and p.polcmd in ('*', 'a')
        where p.polroles <> array['planwright_owner'::regrole::oid]
            and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') !~ 'user_id = .*current_user_id\\(\\)'
        union all
        select p.oid::regprocedure::text from pg_proc p join claiming on p.prosrc ~ ('into (planwright\\.)?' || relname)
        where p.prosecdef
    """,
    "a key without the owner begins with an id or a digest that nobody can guess": """
        select i.indexrelid::regclass::text from pg_index i
        join pg_class c on c.oid = i.indrelid
        where c.relnamespace = 'planwright'::regnamespace and i.indisunique
            and exists (
                select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped)
            and not exists (
                select from pg_attribute a
                where a.attrelid = c.oid and (
                    a.attname = 'user_id' and a.attnum = any (i.indkey::int2[])
                    or a.attname = 'thread_id' and a.attnum = i.indkey[0]
                    or a.atttypid in ('uuid'::regtype, 'bytea'::regtype) and a.attnum = i.indkey[0]))
    """,
    "what people wrote, and whose it is, leaves nothing in the planner's statistics": """
        select c.relname || '.' || a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p', 'm')
            and (t.typcategory in ('S', 'A') or t.typname in ('uuid', 'jsonb', 'json', 'bytea'))
            and a.attstattarget is distinct from 0
        union all
        select stxname from pg_statistic_ext where stxnamespace = 'planwright'::regnamespace
        union all
        select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
        where c.relnamespace = 'planwright'::regnamespace and i.indexprs is not null
    """,
    "a view asks with the rights of whoever asks, and nothing is kept materialized": """
        select c.relname from pg_class c
        where c.relnamespace = 'planwright'::regnamespace and (
            c.relkind = 'm'
            or c.relkind = 'v' and not coalesce(c.reloptions, '{}') && '{security_invoker=true, security_invoker=on}')
    """,
    "a foreign key between two tables of people carries the owner along": """
        select f.conrelid::regclass || ': ' || f.conname from pg_constraint f
        join pg_attribute mine on mine.attrelid = f.conrelid and mine.attname = 'user_id'
        join pg_attribute theirs on theirs.attrelid = f.confrelid and theirs.attname = 'user_id'
        where f.contype = 'f' and f.connamespace = 'planwright'::regnamespace
            and not exists (
                select from unnest(f.conkey, f.confkey) as pair (here, there)
                where here = mine.attnum and there = theirs.attnum)
    """,
    "a foreign key has an index that finds the rows a cascade is after": """
        select f.conrelid::regclass || ': ' || f.conname from pg_constraint f
        where f.contype = 'f' and f.connamespace = 'planwright'::regnamespace
            and not exists (
                select from pg_index i
                left join pg_attribute owner on owner.attrelid = f.conrelid and owner.attname = 'user_id'
                where i.indrelid = f.conrelid and i.indisvalid
                    and (i.indpred is null
                        or pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', (
                            select a.attname from pg_attribute a
                            where a.attrelid = f.conrelid and a.attnum = f.conkey[cardinality(f.conkey)])))
                    and (i.indkey[0] = any (f.conkey) and i.indkey[0] is distinct from owner.attnum
                        or (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey))
    """,
    "a key of owner and id beside the id is there because a foreign key points at it": """
        select k.conname from pg_constraint k
        where k.connamespace = 'planwright'::regnamespace and k.contype = 'u'
            and pg_get_constraintdef(k.oid) = 'UNIQUE (user_id, id)'
            and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = k.conindid)
    """,
    "an index is not the beginning of a key of the same table": """
        select i.indexrelid::regclass::text from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_index k on k.indrelid = i.indrelid and k.indexrelid <> i.indexrelid and k.indisunique
        where c.relnamespace = 'planwright'::regnamespace and not i.indisunique
            and i.indpred is null and k.indpred is null
            and (k.indkey::int2[])[0:i.indnkeyatts - 1] = (i.indkey::int2[])[0:i.indnkeyatts - 1]
    """,
    "a row that goes with its session, its run or its plan does not ask for its person's row as well": """
        select p.conrelid::regclass || ': ' || p.conname from pg_constraint p
        where p.connamespace = 'planwright'::regnamespace and p.contype = 'f'
            and p.confrelid = 'planwright.users'::regclass
            and exists (
                select from pg_constraint f
                join pg_attribute a on a.attrelid = f.conrelid and a.attnum = any (f.conkey)
                where f.conrelid = p.conrelid and f.contype = 'f' and f.confdeltype = 'c'
                    and f.confrelid in ('planwright.chat_sessions'::regclass, 'planwright.runs'::regclass,
                        'planwright.agent_plans'::regclass, 'planwright.approvals'::regclass)
                group by f.oid having bool_and(a.attnotnull or a.attgenerated <> ''))
    """,
    "a row that goes with its run or its conversation does not ask for its session's row as well": """
        select s.conrelid::regclass || ': ' || s.conname from pg_constraint s
        where s.connamespace = 'planwright'::regnamespace and s.contype = 'f'
            and s.confrelid = 'planwright.chat_sessions'::regclass
            and exists (
                select from pg_constraint f
                join pg_attribute a on a.attrelid = f.conrelid and a.attnum = any (f.conkey)
                where f.conrelid = s.conrelid and f.contype = 'f' and f.confdeltype = 'c'
                    and f.confrelid in ('planwright.runs'::regclass, 'planwright.agent_chat_sessions'::regclass)
                group by f.oid having bool_and(a.attnotnull))
    """,
    "a function of ours has a fixed search path that ends with the temporary schema, or its names are bound": """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = 'planwright'::regnamespace and p.prosqlbody is null
            and not coalesce(p.proconfig, '{}') && array['search_path=pg_catalog, planwright, pg_temp']
    """,
    "a function of ours is not said to be leakproof: it would see rows before row security does": """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace) and p.proleakproof
    """,
    "what has the owner's eyes and is there for tools' logins looks in whose name it is asked": """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace) and p.prosecdef
            and p.prosrc !~ 'current_user_id\\(\\)|in_nobodys_name\\(\\)'
            and p.proname <> 'context_field'
            and exists (
                select from pg_roles r
                where r.rolname in ('planwright_worker', 'planwright_executor')
                    and has_function_privilege(r.oid, p.oid, 'execute'))
    """,
    "everything of ours is the owner's, who cannot log in": """
        select c.oid::regclass::text from pg_class c
        where c.relnamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace)
            and c.relowner <> 'planwright_owner'::regrole
        union all
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace)
            and p.proowner <> 'planwright_owner'::regrole
        union all
        select n.nspname from pg_namespace n
        where n.nspname in ('planwright', 'planwright_queue') and n.nspowner <> 'planwright_owner'::regrole
        union all
        select r.rolname from pg_roles r where r.rolname = 'planwright_owner' and r.rolcanlogin
        union all
        select d.datname from pg_database d join pg_roles r on r.oid = d.datdba
        where d.datname = current_database() and r.rolname ~ '^planwright_'
    """,
    "nothing of ours is granted to everybody": """
        select c.oid::regclass || ' ' || g.privilege_type from pg_class c, aclexplode(c.relacl) g
        where c.relnamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace) and g.grantee = 0
        union all
        select a.attrelid::regclass || '.' || a.attname from pg_attribute a
        join pg_class c on c.oid = a.attrelid, aclexplode(a.attacl) g
        where c.relnamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace) and g.grantee = 0
        union all
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace in ('planwright'::regnamespace, 'planwright_queue'::regnamespace)
            and has_function_privilege('public', p.oid, 'execute')
        union all
        select n.nspname from pg_namespace n, aclexplode(n.nspacl) g
        where n.nspname in ('planwright', 'planwright_queue') and g.grantee = 0
        union all
        select d.datname || ' ' || g.privilege_type from pg_database d,
            aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
        where d.datname = current_database() and g.grantee = 0
        union all
        select defaclobjtype::text from pg_default_acl, aclexplode(defaclacl) g where g.grantee = 0
    """,
    "a role of ours is not powerful, neither itself nor by membership": """
        select r.rolname || ' as ' || held.rolname from pg_roles r
        join pg_roles held on pg_has_role(r.oid, held.oid, 'member')
        where r.rolname ~ '^planwright_(api|worker|executor|dispatch|migrate|owner)$' and (
            held.rolsuper or held.rolbypassrls or held.rolcreaterole or held.rolcreatedb or held.rolreplication
            or held.oid <> r.oid and (r.rolname, held.rolname) <> ('planwright_migrate', 'planwright_owner'))
    """,
    "an executor holds SELECT on the eight tables of the workspace": """
        select name from unnest(array['projects', 'tasks', 'notes', 'brain_dumps', 'phases', 'phase_tasks',
            'calendar_events', 'task_calendar_events']) as name
        where not has_table_privilege('planwright_executor', 'planwright.' || name, 'select')
    """,
    "an executor holds no other right on any table, column or sequence": """
        select c.oid::regclass || ' ' || privilege from pg_class c, unnest(
            array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
        where c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and (has_table_privilege('planwright_executor', c.oid, privilege)
                or privilege in ('select', 'insert', 'update', 'references')
                    and has_any_column_privilege('planwright_executor', c.oid, privilege))
            and not (privilege = 'select' and c.relnamespace = 'planwright'::regnamespace
                and c.relname in ('projects', 'tasks', 'notes', 'brain_dumps', 'phases', 'phase_tasks',
                    'calendar_events', 'task_calendar_events'))
        union all
        select c.oid::regclass::text from pg_class c
        where c.relnamespace = 'planwright'::regnamespace and case c.relkind
            when 'S' then has_sequence_privilege('planwright_executor', c.oid, 'usage, select, update') end
    """,
    "an executor calls two functions of ours, and makes nothing": """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = 'planwright'::regnamespace
            and has_function_privilege('planwright_executor', p.oid, 'execute')
            and p.proname not in ('context_field', 'current_user_id')
        union all
        select n.nspname from pg_namespace n where has_schema_privilege('planwright_executor', n.oid, 'create')
        union all
        select d.datname from pg_database d
        where d.datname = current_database()
            and has_database_privilege('planwright_executor', d.oid, 'create, temporary')
    """,
    "the queue's login has no right on anything of ours, and other logins none on the queue's tables": """
        select c.oid::regclass || ' for ' || r.rolname from pg_class c, pg_roles r
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
            and (c.relnamespace = 'planwright'::regnamespace and r.rolname = 'planwright_dispatch'
                or c.relnamespace = 'planwright_queue'::regnamespace
                    and r.rolname in ('planwright_api', 'planwright_worker', 'planwright_executor'))
            and (has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references'))
        union all
        select p.oid::regprocedure || ' for ' || r.rolname from pg_proc p, pg_roles r
        where p.pronamespace = 'planwright'::regnamespace and r.rolname = 'planwright_dispatch'
            and has_function_privilege(r.oid, p.oid, 'execute')
    """,
    "of the queue, those who ask and work call four functions, and nobody else any": """
        select p.oid::regprocedure || ' for ' || r.rolname from pg_proc p, pg_roles r
        where p.pronamespace = 'planwright_queue'::regnamespace
            and (r.rolname in ('planwright_api', 'planwright_worker')
                    and p.proname not in ('hand_on', 'hand_on_next', 'abort', 'bring')
                or r.rolname in ('planwright_executor', 'pg_monitor'))
            and has_function_privilege(r.oid, p.oid, 'execute')
    """,
    "what acts with the owner's eyes on the queue has a fixed search path": """
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = 'planwright_queue'::regnamespace and p.prosecdef
            and not coalesce(p.proconfig, '{}') && array['search_path=pg_catalog, planwright_queue, pg_temp']
    """,
    "updated_at is kept by a trigger": """
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'updated_at' and not a.attisdropped
        where c.relnamespace = 'planwright'::regnamespace and c.relkind in ('r', 'p')
            and not exists (
                select from pg_trigger t
                where t.tgrelid = c.oid and t.tgenabled = 'O' and t.tgtype = 19
                    and t.tgfoid = 'planwright.touch_updated_at()'::regprocedure)
    """,
}


def complaints(connection: Connection, rule: str) -> list[str]:
    """Return what breaks one rule in the database as this connection sees it."""
    connection.execute("set local search_path = pg_catalog, pg_temp")
    return sorted(str(row[0]) for row in connection.execute(RULES[rule]))
