//! What the databases say of themselves: each row one JSON document in one text column.

/// Tables and views among the names `$1` (a JSON array) of the schema `$2`.
pub const RELATIONS: &str = "\
select json_build_object('name', c.relname, 'rowid', false, \
  'columns', (select coalesce(json_agg(json_build_object('name', a.attname, \
      'type', format_type(a.atttypid, null)) order by a.attnum), '[]') from pg_attribute a \
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), \
  'key', (select coalesce(json_agg(a.attname order by k.n), '[]') \
    from pg_index i, unnest(i.indkey::int2[]) with ordinality k (att, n), pg_attribute a \
    where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.att), \
  'computed', (select coalesce(json_agg(json_build_object('name', p.proname, \
      'type', format_type(p.prorettype, null))), '[]') from pg_proc p \
    where p.pronamespace = c.relnamespace and p.pronargs = 1 and p.prokind = 'f' \
      and p.proargtypes[0] = c.reltype and not p.proretset))::text \
from pg_class c join pg_namespace n on n.oid = c.relnamespace \
where n.nspname = $2 and c.relkind in ('r', 'v', 'm', 'f', 'p') \
  and c.relname in (select x from json_array_elements_text($1::text::json) x)";

/// Foreign keys between tables of the schema `$1`.
pub const FOREIGN_KEYS: &str = "\
select json_build_object('name', con.conname, 'from', c.relname, 'to', f.relname, \
  'columns', (select json_agg(a.attname order by k.n) \
    from unnest(con.conkey) with ordinality k (att, n), pg_attribute a \
    where a.attrelid = con.conrelid and a.attnum = k.att), \
  'refs', (select json_agg(a.attname order by k.n) \
    from unnest(con.confkey) with ordinality k (att, n), pg_attribute a \
    where a.attrelid = con.confrelid and a.attnum = k.att), \
  'key', (select coalesce(json_agg(a.attname), '[]') \
    from pg_index i, unnest(i.indkey::int2[]) att, pg_attribute a \
    where i.indrelid = con.conrelid and i.indisprimary \
      and a.attrelid = con.conrelid and a.attnum = att), \
  'uniques', (select coalesce(json_agg((select json_agg(a.attname) \
      from unnest(i.indkey::int2[]) att, pg_attribute a \
      where a.attrelid = con.conrelid and a.attnum = att)), '[]') \
    from pg_index i where i.indrelid = con.conrelid and i.indisunique \
      and i.indpred is null and i.indexprs is null))::text \
from pg_constraint con join pg_class c on c.oid = con.conrelid \
  join pg_class f on f.oid = con.confrelid join pg_namespace n on n.oid = c.relnamespace \
where con.contype = 'f' and con.conparentid = 0 and n.nspname = $1 \
  and f.relnamespace = c.relnamespace order by con.conname";

/// Foreign keys between views of the schema `$1` whose columns are those of tables under the same
/// names: Postgres knows which columns a view is made of.
pub const VIEW_KEYS: &str = "\
with made as (select r.ev_class as view, d.refobjid as base, array_agg(distinct a.attname) as columns \
  from pg_rewrite r join pg_class v on v.oid = r.ev_class and v.relkind in ('v', 'm') \
    join pg_namespace n on n.oid = v.relnamespace and n.nspname = $1 \
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid \
      and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.refobjid <> r.ev_class \
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
    join pg_attribute s on s.attrelid = r.ev_class and s.attname = a.attname \
      and s.atttypid = a.atttypid \
  group by 1, 2), \
keys as (select con.conname, con.conrelid, con.confrelid, \
    (select array_agg(a.attname order by k.n) from unnest(con.conkey) with ordinality k (att, n), \
      pg_attribute a where a.attrelid = con.conrelid and a.attnum = k.att) as columns, \
    (select array_agg(a.attname order by k.n) from unnest(con.confkey) with ordinality k (att, n), \
      pg_attribute a where a.attrelid = con.confrelid and a.attnum = k.att) as refs, \
    (select coalesce(json_agg((select json_agg(a.attname) from unnest(i.indkey::int2[]) att, \
        pg_attribute a where a.attrelid = con.conrelid and a.attnum = att)), '[]') \
      from pg_index i where i.indrelid = con.conrelid and i.indisunique \
        and i.indpred is null and i.indexprs is null) as uniques \
  from pg_constraint con where con.contype = 'f' and con.conparentid = 0) \
select json_build_object('name', k.conname, 'from', c.relname, 'to', t.relname, \
  'columns', to_json(k.columns), 'refs', to_json(k.refs), 'key', json_build_array(), \
  'uniques', k.uniques, 'derived', true)::text \
from keys k \
  join lateral (select k.conrelid as id union all \
    select m.view from made m where m.base = k.conrelid and m.columns @> k.columns) x on true \
  join lateral (select k.confrelid as id union all \
    select m.view from made m where m.base = k.confrelid and m.columns @> k.refs) y on true \
  join pg_class c on c.oid = x.id join pg_class t on t.oid = y.id \
  join pg_namespace n on n.oid = c.relnamespace and n.oid = t.relnamespace \
where n.nspname = $1 and (x.id <> k.conrelid or y.id <> k.confrelid) order by 1";

/// Types by the names that `$1` (a JSON array) gives them.
pub const TYPES: &str = "\
select json_build_array(x, (select format_type(t.oid, null) from pg_type t \
  where t.oid = to_regtype(x) and t.typtype <> 'c' and t.typtype <> 'p'))::text \
from json_array_elements_text($1::text::json) x";

/// Functions of the name `$1` in the schema `$2`.
pub const FUNCTIONS: &str = "\
select json_build_object('args', (select coalesce(json_agg(json_build_object( \
      'name', coalesce(p.proargnames[k.n], ''), 'type', format_type(k.t, null), \
      'optional', k.n > p.pronargs - p.pronargdefaults, \
      'variadic', p.provariadic <> 0 and k.n = p.pronargs) order by k.n), '[]') \
    from unnest(p.proargtypes::oid[]) with ordinality k (t, n)), \
  'set', p.proretset, 'void', t.typname = 'void', \
  'relation', case when t.typrelid <> 0 then \
    (select r.relname from pg_class r where r.oid = t.typrelid and r.relnamespace = p.pronamespace) end, \
  'columns', case when t.typrelid <> 0 then \
    (select coalesce(json_agg(json_build_object('name', a.attname, \
      'type', format_type(a.atttypid, null)) order by a.attnum), '[]') from pg_attribute a \
      where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) \
    when t.typname = 'record' then (select json_agg(json_build_object( \
      'name', p.proargnames[k.n], 'type', format_type(k.t, null)) order by k.n) \
      from unnest(p.proallargtypes) with ordinality k (t, n) where p.proargmodes[k.n] in ('o', 'b', 't')) end)::text \
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_type t on t.oid = p.prorettype \
where n.nspname = $2 and p.proname = $1 and p.prokind = 'f' and t.typname <> 'trigger'";

/// The caller's role and claims, until the end of the transaction.
pub const ASKER: &str = "\
select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)";

/// The claims alone.
pub const CLAIMS: &str = "select set_config('request.jwt.claims', $1, true)";

/// Nothing can be written until the end of the transaction.
pub const READ_ONLY: &str = "select set_config('transaction_read_only', 'on', true)";

/// Whether a token may name the role `$1`: one that can neither log in nor see past policies, and
/// is not, through others, what the connection itself is.
pub const ROLE: &str = "\
select 1::bigint from pg_roles r where rolname = $1 and not rolsuper and not rolbypassrls \
  and not rolcanlogin and not rolcreaterole and not pg_has_role(rolname, current_user, 'member') \
  and not exists (select 1 from pg_roles p where pg_has_role(r.rolname, p.oid, 'member') \
    and (p.rolsuper or p.rolbypassrls or left(p.rolname, 3) = 'pg_'))";

/// Tables and views of SQLite among the names `$1`, with their columns and keys.
pub const SQLITE_RELATIONS: &str = "\
select json_object('name', m.name, 'computed', json_array(), \
  'rowid', m.type = 'table' and not coalesce((select l.wr from pragma_table_list(m.name) l), 0), \
  'columns', (select json_group_array(json_object('name', c.name, 'type', c.type)) \
    from pragma_table_xinfo(m.name) c where c.hidden <> 1), \
  'key', (select json_group_array(k.name order by k.pk) \
    from pragma_table_info(m.name) k where k.pk > 0)) \
from sqlite_master m where m.type in ('table', 'view') \
  and m.name in (select value from json_each($1)) and $2 is not null";

/// Foreign keys; SQLite forgets their names, so they have those that Postgres would give them.
pub const SQLITE_FOREIGN_KEYS: &str = "\
select json_object('from', m.name, 'to', f.\"table\", \
  'name', m.name || '_' || group_concat(f.\"from\", '_' order by f.seq) || '_fkey', \
  'columns', json_group_array(f.\"from\" order by f.seq), \
  'refs', json_group_array(coalesce(f.\"to\", (select k.name \
    from pragma_table_info(f.\"table\") k where k.pk = f.seq + 1)) order by f.seq), \
  'key', json((select json_group_array(k.name) from pragma_table_info(m.name) k where k.pk > 0)), \
  'uniques', json((select json_group_array(json((select json_group_array(x.name) \
    from pragma_index_info(l.name) x))) from pragma_index_list(m.name) l \
    where l.\"unique\" and not l.partial))) \
from sqlite_master m, pragma_foreign_key_list(m.name) f \
where m.type = 'table' and $1 is not null group by m.name, f.id order by m.name, f.id";
