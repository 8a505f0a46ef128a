import { sql } from 'kysely';
import type { Connection } from '../database.ts';

/**
 * The schema as the database itself describes it, in a fixed order: tables
 * with columns, constraints, indexes, triggers and functions. Two databases
 * with one description have one schema. Which months there are is no part of it.
 */
export async function describeSchema(db: Connection): Promise<string> {
  const columns = await lines(
    db,
    sql`
    select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
           || case when a.attnotnull then ' not null' else '' end
           || case when a.attidentity <> '' then ' generated always as identity' else '' end
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and not c.relispartition
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attnum > 0 and not a.attisdropped and c.relname not like 'kysely%'
     order by c.relname, a.attnum`,
  );
  const partitioned = await lines(
    db,
    sql`
    select c.relname || ' by ' || pg_get_partkeydef(c.oid) as line
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relkind = 'p'
     order by 1`,
  );
  const constraints = await lines(
    db,
    sql`
    select c.relname || ': ' || pg_get_constraintdef(k.oid) as line
      from pg_constraint k
      join pg_class c on c.oid = k.conrelid and not c.relispartition
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relname not like 'kysely%' and k.contype <> 'n'
     order by 1`,
  );
  const indexes = await lines(
    db,
    sql`
    select pg_get_indexdef(i.indexrelid) as line
      from pg_index i
      join pg_class c on c.oid = i.indrelid and not c.relispartition
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relname not like 'kysely%'
     order by 1`,
  );
  const triggers = await lines(
    db,
    sql`
    select pg_get_triggerdef(t.oid) as line
      from pg_trigger t
      join pg_class c on c.oid = t.tgrelid and not c.relispartition
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where not t.tgisinternal
     order by 1`,
  );
  const functions = await lines(
    db,
    sql`
    select pg_get_functiondef(p.oid) as line
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'public'
     order by 1`,
  );
  const sections = { columns, partitioned, constraints, indexes, triggers, functions };
  return Object.entries(sections)
    .map(([title, content]) => `-- ${title}\n${content.join('\n')}\n`)
    .join('\n');
}

async function lines(db: Connection, query: ReturnType<typeof sql>): Promise<readonly string[]> {
  const { rows } = await query.execute(db);
  return rows.map((row) =>
    typeof row === 'object' && row !== null && 'line' in row ? String(row.line).trimEnd() : '',
  );
}
