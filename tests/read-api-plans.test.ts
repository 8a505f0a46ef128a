import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openDatabase, type ExecutedQuery, type LedgerDatabase } from '@penstock/db/database';
import { listCollisions, listOutboxDeliveries } from '@penstock/db/list-outbox';
import { listEvents } from '@penstock/db/list-events';
import { listDisputes, listPayments, listPayouts, listRefunds } from '@penstock/db/list-payments';
import { findPayments } from '@penstock/db/payments';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import * as z from 'zod';
import { fillLedger } from './harness/fill-ledger.ts';

let database: TestDatabase;
let db: LedgerDatabase & AsyncDisposable;
let executed: ExecutedQuery[] = [];
/** Months that have not begun: reading nothing from end to end costs nothing. */
let empty: ReadonlySet<string>;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  await fillLedger(database.db, { rows: 50_000 });
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relkind = 'r' and pg_relation_size(oid) = 0`.execute(database.db);
  empty = new Set(rows.map(({ name }) => name));
  db = openDatabase({
    url: database.url,
    poolMax: 2,
    applicationName: 'plans',
    onQuery: (query) => executed.push(query),
  });
});
afterAll(async () => {
  await db.destroy();
  await database[Symbol.asyncDispose]();
});

const time = new Date('2026-01-15T00:00:00Z');
const money = {
  account: 'acct-2',
  provider: 'paypal',
  currency: 'USD',
  amountFrom: 2_000,
  amountTo: 2_010,
  occurredFrom: time,
  occurredTo: new Date('2026-01-16T00:00:00Z'),
};
const ofPayment = { ...money, payment: 'pay_777' };
const events = {
  account: 'acct-2',
  provider: 'paypal',
  endpoint: 'paypal',
  type: 'charge.refunded',
  state: 'dead',
  fingerprint: 'f-1',
  eventId: 'evt_9',
  payment: 'pay_777',
  receivedFrom: time,
  receivedTo: new Date('2026-01-16T00:00:00Z'),
} as const;
const part = { occurredAt: time, account: 'acct-2', id: 'x' };

test.each([
  {
    list: 'payments',
    filter: { ...ofPayment, status: 'captured' },
    read: (filter: object, limit: number) =>
      listPayments(db, filter, { limit, after: { occurredAt: time, key: 9_000 } }),
  },
  {
    list: 'refunds',
    filter: { ...ofPayment, status: 'pending' },
    read: (filter: object, limit: number) => listRefunds(db, filter, { limit, after: part }),
  },
  {
    list: 'disputes',
    filter: { ...ofPayment, status: 'lost' },
    read: (filter: object, limit: number) => listDisputes(db, filter, { limit, after: { ...part, paymentKey: 1 } }),
  },
  {
    list: 'payouts',
    filter: { ...money, status: 'failed' },
    read: (filter: object, limit: number) => listPayouts(db, filter, { limit, after: part }),
  },
  {
    list: 'events',
    filter: events,
    read: (filter: object, limit: number) => listEvents(db, filter, { limit, after: { receivedAt: time, id: 9_000 } }),
  },
  {
    list: 'outbox',
    filter: { destination: 'billing', state: 'dead' as const, event: 777 },
    read: (filter: object, limit: number) => listOutboxDeliveries(db, filter, { limit, after: { id: 9_000 } }),
  },
  {
    list: 'collisions',
    filter: { account: 'acct-2', endpoint: 'paypal', kind: 'event_id' as const, event: 777 },
    read: (filter: object, limit: number) => listCollisions(db, filter, { limit, after: { id: 9_000 } }),
  },
])('no list of $list reads a table from end to end, whatever it is searched by', async ({ filter, read }) => {
  const scans: unknown[] = [];
  for (const combination of combinationsOf(filter)) {
    executed = [];
    await read(combination, 51);
    const tables = await tablesScanned(executed);
    if (tables.length > 0) scans.push({ filter: Object.keys(combination), tables });
  }
  expect(scans).toEqual([]);
});

test('a payment is found by any id without reading a table from end to end', async () => {
  for (const id of ['pay_777', 'ch_777', 'charge:ch_777', 'du_777', 'nothing']) {
    executed = [];
    await findPayments(db, id);
    expect([id, await tablesScanned(executed)]).toEqual([id, []]);
  }
});

/** None, each alone, each pair, and all. */
function combinationsOf(filter: Readonly<Record<string, unknown>>): readonly object[] {
  const entries = Object.entries(filter);
  const pairs = entries.flatMap((one, index) => entries.slice(index + 1).map((other) => [one, other]));
  // The API takes an amount only beside a currency.
  return [[], ...entries.map((entry) => [entry]), ...pairs, entries].map((chosen) => ({
    ...(chosen.some(([name]) => name?.toString().startsWith('amount')) ? { currency: filter['currency'] } : {}),
    ...Object.fromEntries(chosen),
  }));
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string | undefined;
  readonly Plans?: readonly Plan[] | undefined;
}
const plan: z.ZodType<Plan> = z.looseObject({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  get Plans() {
    return z.array(plan).optional();
  },
});

/** Tables that PostgreSQL would read from end to end for these statements. */
async function tablesScanned(queries: readonly ExecutedQuery[]): Promise<readonly string[]> {
  const tables: string[] = [];
  for (const query of queries) {
    const compiled = sql`${sql.raw('explain (format json) ')}${statementOf(query)}`;
    const { rows } = await compiled.execute(database.db);
    const [{ 'QUERY PLAN': explained } = { 'QUERY PLAN': [] }] = z
      .array(z.object({ 'QUERY PLAN': z.array(z.object({ Plan: plan })) }))
      .parse(rows);
    for (const { Plan: top } of explained) tables.push(...scannedIn(top).filter((name) => !empty.has(name)));
  }
  return tables;
}

/** The statement with its own parameters in their places. */
function statementOf({ sql: text, parameters }: ExecutedQuery) {
  const parts = text.split(/\$(\d+)/);
  return sql.join(
    parts.map((piece, index) => (index % 2 === 0 ? sql.raw(piece) : sql`${parameters[Number(piece) - 1]}`)),
    sql.raw(''),
  );
}

function scannedIn(node: Plan): readonly string[] {
  const own = node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scannedIn)];
}
