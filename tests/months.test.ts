import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { LedgerDatabase } from '@penstock/db/database';
import { deliveriesOfEvents } from '@penstock/db/deliveries';
import { deliveryOfStoredEvent } from '@penstock/db/events';
import { on } from '@penstock/db/handler';
import { createMonthsAhead } from '@penstock/db/months';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { processWebhook, type ProcessWorld } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { createTestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

let database: TestDatabase;
let db: LedgerDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  ({ db } = database);
});
afterAll(async () => database[Symbol.asyncDispose]());

test('an event whose month was never made waits without losing an attempt, and the month is made on the spot', async () => {
  await using bare = await createTestDatabase(testPostgresUrl());
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent in ('events'::regclass, 'deliveries'::regclass)`.execute(
    bare.db,
  );
  for (const { name } of rows) await sql`drop table ${sql.id(name)}`.execute(bare.db);

  const delivery = aDelivery();
  const world = processWorld(bare.db);
  expect(await attempt(delivery, world)).toMatchObject({ kind: 'outage', failure: { code: 'month_missing' } });
  expect(await attempt(delivery, world)).toMatchObject({ kind: 'ended', outcome: 'ignored' });
});

test('an event first tried in one month and tried again in the next has one row, in the first’s month', async () => {
  await createMonthsAhead(db, { now: new Date('2025-12-15T00:00:00Z'), ahead: 1 });
  const delivery = aDelivery();
  await enterAt(delivery, '2025-12-31T23:59:59.999999Z');
  let isBroken = true;
  const handlers = [
    on('*', 'fail-first', async () => {
      if (isBroken) throw new Error('not yet');
    }),
  ];
  const world = processWorld(db, { handlers });
  expect((await attempt(delivery, world)).kind).toBe('failed');
  isBroken = false;
  expect(await attempt(delivery, world, 2)).toMatchObject({ kind: 'ended', outcome: 'processed' });
  expect(await monthsOf('events', delivery)).toEqual(['events_2025_12']);
  expect(await monthsOf('deliveries', delivery)).toHaveLength(1);
});

test('an event that dies of its first attempt is found in its month, whole', async () => {
  const delivery = aDelivery({ type: 'charge.succeeded', text: '{"data":{"object":{"object":"charge"}}}' });
  expect(await attempt(delivery, processWorld(db))).toMatchObject({ kind: 'failed', next: { kind: 'dead' } });
  const [row] = await ledgerOf(delivery);
  expect(await deliveryOfStoredEvent(db, row?.id ?? 0, delivery.deliveryId)).toMatchObject({
    eventId: delivery.eventId,
    bodySha256: delivery.bodySha256,
  });
});

test('each time that a provider sent an event is a row: repetitions, other bodies, but no attempt and no sweep', async () => {
  const first = aDelivery();
  let isBroken = true;
  const handlers = [
    on('*', 'fail-once', async () => {
      if (isBroken) throw new Error('not yet');
    }),
  ];
  const world = processWorld(db, { handlers });
  await attempt(first, world);
  isBroken = false;
  await attempt(first, world, 2);
  const again = { ...aDelivery({ eventId: first.eventId }), receivedAt: later(first, 1) };
  await attempt(again, world);
  await attempt({ ...aDelivery({ eventId: first.eventId }), receivedAt: later(first, 2), origin: 'sweep' }, world);
  const body = Buffer.from(JSON.stringify({ id: first.eventId, type: 'other' }));
  const other = { ...aDelivery({ eventId: first.eventId }), receivedAt: later(first, 3) };
  await attempt({ ...other, body: encodeBody(body), bodySha256: sha256Hex(body) }, world);

  const [row] = await ledgerOf(first);
  const taken = (await deliveriesOfEvents(db, [row?.id ?? 0])).get(row?.id ?? 0) ?? [];
  expect(taken.map(({ kind, receivedAt, requestId }) => [kind, receivedAt.toISOString(), requestId])).toEqual([
    ['first', first.receivedAt, first.requestId],
    ['repeat', again.receivedAt, again.requestId],
    ['other_body', other.receivedAt, other.requestId],
  ]);
});

test('two workers that start on a database without months make each of them once, and say how many are ahead', async () => {
  await using system = await createTestSystem();
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'events'::regclass`.execute(system.db);
  for (const { name } of rows) await sql`drop table ${sql.id(name)}`.execute(system.db);
  const workers = await Promise.all([system.startWorker(), system.startWorker()]);
  await until(async () => (await partitionsOf(system.db, 'events')).length === 5, { what: 'the months to be made' });
  for (const { healthUrl, output } of workers) {
    const ahead = await until(
      async () => /penstock_months_ahead\{[^}]*\} 3\b/.exec(await (await fetch(`${healthUrl}/metrics`)).text())?.[0],
      { what: 'the metric of the months ahead' },
    );
    expect(ahead, output()).toBeDefined();
    expect(output()).not.toContain('could not be looked after');
  }
});

function attempt(delivery: Delivery, world: ProcessWorld, number = 1) {
  return processWebhook({ jobId: delivery.eventId, data: delivery, attempt: number }, world);
}

/** As an attempt that was cut off after it had stored the event would have left it at that time. */
async function enterAt(delivery: Delivery, storedAt: string): Promise<void> {
  await sql`
    insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, stored_at, request_id)
    values (${delivery.account}, ${delivery.eventId}, ${delivery.endpoint}, ${delivery.provider}, ${`stripe.${delivery.eventId}`},
            decode(${delivery.bodySha256}, 'hex'), ${delivery.receivedAt}, ${storedAt}, ${delivery.requestId})`.execute(
    db,
  );
}

async function ledgerOf({ eventId }: Delivery) {
  return db.selectFrom('ledger').selectAll().where('provider_event_id', '=', eventId).execute();
}

async function monthsOf(table: 'events' | 'deliveries', delivery: Delivery): Promise<readonly string[]> {
  const [row] = await ledgerOf(delivery);
  const id = sql.id(table === 'events' ? 'id' : 'ledger_id');
  const { rows } = await sql<{ name: string }>`
    select tableoid::regclass::text as name from ${sql.id(table)} where ${id} = ${row?.id ?? 0}`.execute(db);
  return rows.map(({ name }) => name);
}

async function partitionsOf(where: LedgerDatabase, table: string): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = ${table}::regclass order by 1`.execute(
    where,
  );
  return rows.map(({ name }) => name);
}

function later({ receivedAt }: Delivery, seconds: number): string {
  return new Date(Date.parse(receivedAt) + seconds * 1_000).toISOString();
}
