import { sql, type RawBuilder } from 'kysely';
import { compareConflicts, settlePaymentConflicts } from './conflicts.ts';
import type { Connection, LedgerTransaction } from './database.ts';
import { columnTypes } from './projection-rows.ts';
import { setOf, type SetColumns } from './set-of.ts';

/** The projections: what is folded from events, and can be folded again. */
const projections = ['payments', 'payment_references', 'refunds', 'disputes', 'payouts', 'payment_facts'] as const;
export type Projection = (typeof projections)[number];

/** What makes a row of each the same row. */
const identities: Readonly<Record<Projection, readonly [string, ...string[]]>> = {
  payments: ['key'],
  payment_references: ['account', 'reference'],
  refunds: ['account', 'id'],
  disputes: ['account', 'id', 'payment_key'],
  payouts: ['account', 'id'],
  payment_facts: ['event_id', 'ordinal'],
};

/** What a row says, beyond what makes it the same row and when it was written. */
function contentsOf(table: Projection): readonly string[] {
  return Object.keys(columnTypes[table]).filter((column) => !identities[table].includes(column));
}

/**
 * Makes empty tables like the live projections in a schema of their own; what stood there is gone. They have no
 * indexes: whole tables are written and compared, which each index only slows. Unless they are to be kept, they are
 * not written ahead either.
 */
export async function createShadow(db: Connection, schema: string, options: { readonly keep: boolean }): Promise<void> {
  await dropShadow(db, schema);
  await sql`create schema ${sql.id(schema)}`.execute(db);
  const create = createTable(options);
  for (const table of folded)
    await sql`${create} ${sql.id(schema, table)} (like ${sql.id('public', table)} including defaults)`.execute(db);
  for (const [table, columns] of Object.entries(steps)) {
    const declared = Object.entries(columns).map(([column, type]) => sql`${sql.id(column)} ${sql.raw(type)}`);
    await sql`${create} ${sql.id(schema, table)} (${sql.join(declared)})`.execute(db);
  }
}

function createTable({ keep }: { readonly keep: boolean }): RawBuilder<unknown> {
  return keep ? sql`create table` : sql`create unlogged table`;
}

/** Tells the planner that whole tables are joined from here on to the transaction's end, none of them row by row. */
export async function expectWholeTables(tx: LedgerTransaction): Promise<void> {
  // What is written by the very statement that looks it up is read again by a nested loop, for every row.
  await sql`set local enable_nestloop = off; set local work_mem = '128MB'`.execute(tx);
}

/** Gives a shadow that is to be kept what the live tables have: keys and indexes; the steps to it go. */
export async function indexShadow(tx: LedgerTransaction, schema: string): Promise<void> {
  for (const table of Object.keys(steps)) await sql`drop table ${sql.id(schema, table)}`.execute(tx);
  for (const table of projections)
    await sql`alter table ${sql.id(schema, table)} add primary key (${columnList(identities[table])})`.execute(tx);
}

export async function dropShadow(db: Connection, schema: string): Promise<void> {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db);
}

/** Those that are written as tables; the two others are seen through the steps to them. */
const folded = ['payments', 'refunds', 'disputes', 'payouts'] as const satisfies readonly Projection[];

const { payment_key: _live, ...toldOfFacts } = columnTypes.payment_facts;

/** The steps to a shadow: what events tell, before it is known which names are one payment. A node is the number of a name. */
const steps = {
  /** Facts, each with the node of one of its names; null for a payout's. */
  told_facts: { ...toldOfFacts, provider: 'text', node: 'bigint' },
  names: { account: 'text', reference: 'text', node: 'bigint' },
  /** Which nodes are one payment. */
  components: { node: 'bigint', component: 'bigint' },
  /** Each node's payment. */
  keys: { node: 'bigint', payment_key: 'bigint' },
} as const satisfies Readonly<Record<string, SetColumns>>;

const shadowColumns = { ...columnTypes, ...steps } as const;
type ShadowColumns = typeof shadowColumns;

/** A row of one of the steps. */
export type StepRow<Table extends keyof typeof steps> = {
  readonly [Column in keyof (typeof steps)[Table]]: unknown;
};

/** Adds rows to a shadow table; what they do not say, as updated_at, takes its default. */
export async function insertIntoShadow<Table extends keyof ShadowColumns>(
  db: Connection,
  into: { readonly schema: string; readonly table: Table },
  rows: readonly { readonly [Column in keyof ShadowColumns[Table]]: unknown }[],
): Promise<void> {
  if (rows.length === 0) return;
  const types = shadowColumns[into.table];
  const columns = columnList(Object.keys(types));
  await sql`
    insert into ${sql.id(into.schema, into.table)} (${columns})
    select ${columns} from ${setOf('told', types, rows)}`.execute(db);
}

function columnList(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.id(column)));
}

/**
 * Gives every component of names the key that its payment has: the live one by
 * any of its names, the lowest where there are several, else a new one. Two
 * components that the live tables hold for one payment share no key. With the
 * keys references and facts are what they are to be: tables where they are
 * kept or adopted, else seen as if they were, which spares writing them again.
 */
export async function assignShadowKeys(
  tx: LedgerTransaction,
  schema: string,
  options: { readonly keep: boolean; readonly adopt: boolean },
): Promise<void> {
  const [names, components, keys] = [sql.id(schema, 'names'), sql.id(schema, 'components'), sql.id(schema, 'keys')];
  await sql`
    with of_components as materialized (
      select component, min(live.payment_key) as payment_key
      from ${components} left join (${names} join public.payment_references as live using (account, reference)) using (node)
      group by component),
    known as (
      select distinct on (payment_key) component, payment_key from of_components
      where payment_key is not null order by payment_key, component),
    every_one as (
      select component,
             coalesce(known.payment_key, nextval((select pg_get_serial_sequence('public.payments', 'key')::regclass))) as payment_key
      from of_components left join known using (component))
    insert into ${keys} (node, payment_key)
    select node, payment_key from ${components} join every_one using (component)`.execute(tx);
  const told = {
    payment_references: sql`select account, reference, payment_key from ${names} join ${keys} using (node)`,
    payment_facts: sql`
      select ${columnList(Object.keys(columnTypes.payment_facts))} from ${sql.id(schema, 'told_facts')} left join ${keys} using (node)`,
  };
  for (const table of ['payment_references', 'payment_facts'] as const) {
    const name = sql.id(schema, table);
    if (!options.keep && !options.adopt) {
      await sql`create view ${name} as ${told[table]}`.execute(tx);
      continue;
    }
    await sql`${createTable(options)} ${name} (like ${sql.id('public', table)} including defaults)`.execute(tx);
    const columns = columnList(Object.keys(columnTypes[table]));
    await sql`insert into ${name} (${columns}) ${told[table]}`.execute(tx);
  }
}

/** How far a projection is from what its events say. */
export interface Difference {
  readonly table: Projection | 'conflicts';
  readonly missing: number;
  readonly unexpected: number;
  readonly changed: number;
  /** The first few of them, by what identifies the row. */
  readonly samples: readonly string[];
}

/** Compares the live rows with the shadow's, one by one. */
export async function compareWithShadow(tx: LedgerTransaction, schema: string): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  for (const table of projections) {
    const { rows } = await sql<{ missing: string; unexpected: string; changed: string; samples: string[] | null }>`
      with different as (${differentRows(table, schema)})
      select count(*) filter (where kind = 'missing')::text as missing,
             count(*) filter (where kind = 'unexpected')::text as unexpected,
             count(*) filter (where kind = 'changed')::text as changed,
             (array_agg(kind || ' ' || identity order by identity))[1:5] as samples
      from different`.execute(tx);
    const [row] = rows;
    differences.push({
      table,
      missing: Number(row?.missing ?? 0),
      unexpected: Number(row?.unexpected ?? 0),
      changed: Number(row?.changed ?? 0),
      samples: row?.samples ?? [],
    });
  }
  const { missing, unexpected } = await compareConflicts(tx, schema);
  const samples = [
    ...missing.map((identity) => `missing ${identity}`),
    ...unexpected.map((identity) => `unexpected ${identity}`),
  ].slice(0, 5);
  differences.push({ table: 'conflicts', missing: missing.length, unexpected: unexpected.length, changed: 0, samples });
  return differences;
}

/** Keeps every other transaction from changing the projections until this one ends. */
export async function lockProjections(tx: LedgerTransaction): Promise<void> {
  const tables = sql.join(projections.map((table) => sql.id('public', table)));
  await sql`lock table ${tables} in share row exclusive mode`.execute(tx);
}

/**
 * Makes the live rows what the shadow's are: those that differ are written
 * over, those that are missing added, those that should not be there taken out.
 */
export async function adoptShadow(tx: LedgerTransaction, schema: string): Promise<void> {
  for (const table of projections) {
    const columns = columnList(Object.keys(columnTypes[table]));
    await sql`
      insert into ${sql.id('public', table)} (${columns})
      ${table === 'payments' ? sql`overriding system value` : sql``}
      select ${columns} from ${sql.id(schema, table)} as told
      where not exists (select from ${sql.id('public', table)} as live
                        where ${sameRow(table)} and ${sameContent(table)})
      on conflict (${columnList(identities[table])})
      do update set ${sql.join(contentsOf(table).map((column) => sql`${sql.id(column)} = excluded.${sql.id(column)}`))}`.execute(
      tx,
    );
  }
  // What points at a payment goes before it.
  for (const table of projections.toReversed())
    await sql`
      delete from ${sql.id('public', table)} as live
      where not exists (select from ${sql.id(schema, table)} as told where ${sameRow(table)})`.execute(tx);
  await settlePaymentConflicts(tx, { eventId: null });
}

function differentRows(table: Projection, schema: string): RawBuilder<unknown> {
  const identity = sql.join(
    identities[table].map((column) => sql`coalesce(live.${sql.id(column)}, told.${sql.id(column)})::text`),
    sql` || ' ' || `,
  );
  return sql`
    select ${identity} as identity,
           case when live.${sql.id(identities[table][0])} is null then 'missing'
                when told.${sql.id(identities[table][0])} is null then 'unexpected'
                else 'changed' end as kind
    from ${sql.id('public', table)} as live
    full join ${sql.id(schema, table)} as told on ${sameRow(table)}
    where not coalesce(${sameRow(table)} and ${sameContent(table)}, false)`;
}

function sameRow(table: Projection): RawBuilder<unknown> {
  return sql.join(
    identities[table].map((column) => sql`live.${sql.id(column)} = told.${sql.id(column)}`),
    sql` and `,
  );
}

function sameContent(table: Projection): RawBuilder<unknown> {
  const row = (side: string) => sql.join(contentsOf(table).map((column) => sql.id(side, column)));
  return sql`(${row('live')}) is not distinct from (${row('told')})`;
}
