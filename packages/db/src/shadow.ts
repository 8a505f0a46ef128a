import { sql, type RawBuilder } from 'kysely';
import { compareConflicts, settlePaymentConflicts } from './conflicts.ts';
import type { Connection, LedgerTransaction } from './database.ts';
import { columnTypes } from './projection-rows.ts';
import { setOf } from './set-of.ts';

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

/** What a row says, beyond when it was written. */
const contents: Readonly<Record<Projection, readonly [string, ...string[]]>> = {
  payments: [
    'account',
    'provider',
    'id',
    'status',
    'amount',
    'currency',
    'amount_captured',
    'amount_refunded',
    'refund_state',
    'dispute_state',
    'failure_code',
    'conflict',
    'needs_fetch',
    'version',
    'occurred_at',
  ],
  payment_references: ['payment_key'],
  refunds: ['payment_key', 'status', 'amount', 'currency', 'reason', 'version', 'occurred_at'],
  disputes: ['status', 'funds', 'amount', 'currency', 'reason', 'version', 'occurred_at'],
  payouts: ['provider', 'status', 'amount', 'currency', 'failure_code', 'version', 'occurred_at'],
  payment_facts: ['account', 'provider_event_id', 'payment_key', 'payout_id', 'type', 'occurred_at', 'fact'],
};

/**
 * Makes empty tables like the live projections in a schema of their own; what stood there is gone. They have no
 * indexes: whole tables are written and compared, which each index only slows. Unless they are to be kept, they are
 * not written ahead either.
 */
export async function createShadow(db: Connection, schema: string, options: { readonly keep: boolean }): Promise<void> {
  await dropShadow(db, schema);
  await sql`create schema ${sql.id(schema)}`.execute(db);
  const create = options.keep ? sql`create table` : sql`create unlogged table`;
  for (const table of projections)
    await sql`${create} ${sql.id(schema, table)} (like ${sql.id('public', table)} including defaults)`.execute(db);
  await sql`${create} ${sql.id(schema, 'names')} (account text, reference text, component bigint)`.execute(db);
  await sql`${create} ${sql.id(schema, 'keys')} (component bigint, payment_key bigint)`.execute(db);
}

/** Tells the planner that whole tables are joined from here on to the transaction's end, none of them row by row. */
export async function expectWholeTables(tx: LedgerTransaction): Promise<void> {
  // What is written by the very statement that looks it up is read again by a nested loop, for every row.
  await sql`set local enable_nestloop = off; set local work_mem = '128MB'`.execute(tx);
}

/** Gives a shadow that is to be kept what the live tables have: keys and indexes. */
export async function indexShadow(tx: LedgerTransaction, schema: string): Promise<void> {
  for (const table of projections)
    await sql`alter table ${sql.id(schema, table)} add primary key (${columnList(identities[table])})`.execute(tx);
}

export async function dropShadow(db: Connection, schema: string): Promise<void> {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db);
}

/** What the tables of a shadow hold: each projection, and the names of each component. */
const shadowColumns = { ...columnTypes, names: { account: 'text', reference: 'text', component: 'bigint' } } as const;
type ShadowColumns = typeof shadowColumns;

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
 * components that the live tables hold for one payment share no key.
 */
export async function assignShadowKeys(tx: LedgerTransaction, schema: string): Promise<void> {
  const [names, keys] = [sql.id(schema, 'names'), sql.id(schema, 'keys')];
  await sql`
    insert into ${keys}
    select distinct on (payment_key) component, payment_key
    from (select component, min(live.payment_key) as payment_key
          from ${names} join public.payment_references live using (account, reference)
          group by component) as known
    order by payment_key, component`.execute(tx);
  await sql`
    insert into ${keys}
    select component, nextval((select pg_get_serial_sequence('public.payments', 'key')::regclass))
    from (select distinct component from ${names}) as every_one
    where not exists (select from ${keys} as keys where keys.component = every_one.component)`.execute(tx);
  await sql`
    insert into ${sql.id(schema, 'payment_references')} (account, reference, payment_key)
    select account, reference, payment_key from ${names} join ${keys} using (component)`.execute(tx);
  // Facts were stored with their component in the key's place.
  await sql`
    update ${sql.id(schema, 'payment_facts')} as fact set payment_key = keys.payment_key
    from ${keys} as keys where fact.payment_key = -keys.component`.execute(tx);
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
    const columns = columnList([...identities[table], ...contents[table]]);
    await sql`
      insert into ${sql.id('public', table)} (${columns})
      ${table === 'payments' ? sql`overriding system value` : sql``}
      select ${columns} from ${sql.id(schema, table)} as told
      where not exists (select from ${sql.id('public', table)} as live
                        where ${sameRow(table)} and ${sameContent(table)})
      on conflict (${columnList(identities[table])})
      do update set ${sql.join(contents[table].map((column) => sql`${sql.id(column)} = excluded.${sql.id(column)}`))}`.execute(
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
  const row = (side: string) => sql.join(contents[table].map((column) => sql.id(side, column)));
  return sql`(${row('live')}) is not distinct from (${row('told')})`;
}
