import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { providerNamed } from '@penstock/core/providers/registry';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { deliveryOfStoredEvent } from '@penstock/db/events';
import { on } from '@penstock/db/handler';
import { createMonthsAhead, listMonths } from '@penstock/db/months';
import { historyOfPayment } from '@penstock/db/payment-history';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { testPostgresUrl } from '@penstock/local/test-services';
import { keepStorage } from '@penstock/worker/keep-storage';
import { processWebhook } from '@penstock/worker/process-webhook';
import { rebuild } from '@penstock/worker/rebuild';
import { processWorld } from '@penstock/worker/testing/process-world';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent } from './harness/system.ts';

const now = new Date();
const monthsBack = (months: number, day = 15) =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, day, 12));

let database: TestDatabase;
let db: LedgerDatabase;
beforeAll(async () => {
  database = await createTestDatabase(testPostgresUrl());
  ({ db } = database);
});
afterAll(async () => database[Symbol.asyncDispose]());

test('months whose every event is finished are gone; what is unfinished, dead or being sent stays, to the byte', async () => {
  const finished = await take(aCharge('ch_old'), { at: monthsBack(19) });
  const unfinished = await take(aDelivery(), { at: monthsBack(19), failing: true });
  const dead = await take({ ...aDelivery(), shape: 'malformed' }, { at: monthsBack(19) });
  const sending = await take(aDelivery(), { at: monthsBack(18), message: 'pending' });
  const sent = await take(aDelivery(), { at: monthsBack(18), message: 'delivered' });
  const recent = await take(aDelivery(), { at: monthsBack(2) });

  const { retention } = await keep();
  expect(retention?.dropped.map(({ name }) => name).filter((name) => name.startsWith('events'))).toEqual(
    [20, 19, 18].map((months) => `events_${stamp(monthsBack(months))}`),
  );
  expect(retention?.rowsKept).toBe(await rowsBefore(monthsBack(12)));
  expect(await bodiesOf([finished, sent])).toEqual([]);
  expect(await bodiesOf([unfinished, dead, sending, recent])).toEqual(
    [unfinished, dead, sending, recent].map(({ body }) => body.data),
  );
  expect(await listed('events')).toEqual(
    [19, 18, 3, 2, 1, 0, -1, -2, -3].map((months) => `events_${stamp(monthsBack(months))}`),
  );
  expect(await count('attempts')).toBe(2);
  expect(await count('outbox')).toBe(1);
  expect(await count('outbox_deliveries')).toBe(1);
  expect(await count('handler_runs')).toBe(2);
  expect(await count('ledger')).toBe(6);

  expect((await keep()).retention, 'nothing is done twice').toMatchObject({ dropped: [], rowsKept: 0 });
  await expect(sql`delete from events`.execute(db)).rejects.toThrow('append-only');
  await expect(sql`truncate ${sql.id(`events_${stamp(monthsBack(19))}`)}`.execute(db)).rejects.toThrow('append-only');

  expect(await attempt(unfinished, {}), 'what was kept is finished later, in the month it is in').toMatchObject({
    kind: 'ended',
  });
  expect(await bodiesOf([unfinished])).toEqual([unfinished.body.data]);
  expect((await keep()).retention?.dropped.map(({ name }) => name)).toContain(`events_${stamp(monthsBack(19))}`);
  expect(await bodiesOf([unfinished])).toEqual([]);
  expect(await bodiesOf([dead])).toEqual([dead.body.data]);
});

test('an event whose bytes are gone is still known: its repetition is a duplicate, another body a collision', async () => {
  const delivery = await take(aCharge('ch_gone'), { at: monthsBack(17) });
  await keep();
  expect(await bodiesOf([delivery])).toEqual([]);
  expect(await attempt({ ...delivery, deliveryId: randomUUID() })).toMatchObject({ outcome: 'duplicate' });
  const body = Buffer.from('{"id":"evt","pending_webhooks":0}');
  expect(
    await attempt({ ...delivery, deliveryId: randomUUID(), bodySha256: sha256Hex(body), body: encodeBody(body) }),
  ).toMatchObject({ outcome: 'collision' });
  const { id } = await ledgerOf(delivery);
  await expect(deliveryOfStoredEvent(db, id, randomUUID())).rejects.toMatchObject({ code: 'body_gone' });
});

test('a payment outlives the bytes of its events: what is rebuilt is what is live, and its history says what is gone', async () => {
  const charge = await take(aCharge('ch_kept'), { at: monthsBack(17) });
  await keep();
  await take(aRefund('re_kept', 'ch_kept'), { at: monthsBack(1) });
  const before = await sql`select to_jsonb(p) - 'updated_at' as row from payments p order by key`.execute(db);
  for (const adopt of [false, true]) {
    const { differences } = await rebuild(
      { db, provider: providerNamed, settingsOf: () => undefined },
      { schema: 'rebuilt', adopt, keep: false },
    );
    expect(differences.filter(({ missing, unexpected, changed }) => missing + unexpected + changed > 0)).toEqual([]);
  }
  const after = await sql`select to_jsonb(p) - 'updated_at' as row from payments p order by key`.execute(db);
  expect(after.rows).toEqual(before.rows);
  const { payment_key: key } = await db
    .selectFrom('payment_facts')
    .select('payment_key')
    .where('provider_event_id', '=', charge.eventId)
    .executeTakeFirstOrThrow();
  expect(await historyOfPayment(db, key ?? 0)).toMatchObject([
    { type: 'payment.captured', bodyKept: false },
    { type: 'refund.created', bodyKept: true, sentAt: [expect.any(Date)] },
  ]);
});

test('a month in use is left for the next look; writers wait no longer than the lock may', async () => {
  await take(aDelivery(), { at: monthsBack(20) });
  await using other = openDatabase({ url: database.url, poolMax: 1, applicationName: 'test' });
  await other.transaction().execute(async (reader) => {
    await sql`select from events limit 1`.execute(reader);
    const { retention } = await keep();
    expect(retention?.busy).toEqual([(await listed('events'))[0]]);
    expect(await attempt(aDelivery()), 'written while the month waits').toMatchObject({ kind: 'ended' });
  });
  expect((await keep()).retention).toMatchObject({ busy: [] });
  expect(await listed('events')).not.toContain(`events_${stamp(monthsBack(20))}`);
});

test('of two workers at it, each month is dropped once; nothing is dropped where it is kept for ever', async () => {
  await take(aDelivery(), { at: monthsBack(19) });
  expect((await keep(0)).retention).toBeNull();
  await using other = openDatabase({ url: database.url, poolMax: 3, applicationName: 'test' });
  const looks = await Promise.all([keep(), keep(400, other), keep(), keep(400, other)]);
  const dropped = looks.flatMap(({ retention }) => retention?.dropped.map(({ name }) => name) ?? []);
  expect(dropped.filter((name) => name === `events_${stamp(monthsBack(19))}`)).toHaveLength(1);
  expect(new Set(dropped).size).toBe(dropped.length);
});

function keep(retentionDays = 400, where = db) {
  return keepStorage({ db: where, now: async () => now, retentionDays });
}

/** Takes a delivery as if the ledger had learned of it then. */
async function take(
  delivery: Delivery,
  how: { readonly at: Date; readonly failing?: boolean; readonly message?: 'pending' | 'delivered' },
): Promise<Delivery> {
  await createMonthsAhead(db, { now: how.at, ahead: 0 });
  await sql`
    insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, stored_at, request_id)
    values (${delivery.account}, ${delivery.eventId}, ${delivery.endpoint}, ${delivery.provider}, ${`stripe.${delivery.eventId}`},
            decode(${delivery.bodySha256}, 'hex'), ${how.at}, ${how.at}, ${delivery.requestId})`.execute(db);
  await attempt(delivery, how);
  const { id } = await ledgerOf(delivery);
  if (how.message !== undefined)
    await sql`
      with message as (insert into outbox (ledger_id, topic, key, payload, created_at)
                       values (${id}, 'topic', 'key', '{}', ${how.at}) returning id)
      insert into outbox_deliveries (outbox_id, destination, state, finished_at)
      select id, 'somewhere', ${how.message}, ${how.message === 'delivered' ? how.at : null} from message`.execute(db);
  return delivery;
}

function attempt(delivery: Delivery, how: { readonly failing?: boolean } = {}) {
  const handlers = [
    on('stripe:customer.created', 'handle', async () => {
      if (how.failing === true) throw new Error('not yet');
    }),
  ];
  const endpoints = new Map([[delivery.endpoint, { settings: {}, confirm: null }]]);
  return processWebhook(
    { jobId: delivery.eventId, data: delivery, attempt: 1 },
    processWorld(db, { handlers, endpoints }),
  );
}

async function ledgerOf({ eventId }: Delivery) {
  return db.selectFrom('ledger').selectAll().where('provider_event_id', '=', eventId).executeTakeFirstOrThrow();
}

async function bodiesOf(deliveries: readonly Delivery[]): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('events')
    .select('body')
    .where(
      'provider_event_id',
      'in',
      deliveries.map(({ eventId }) => eventId),
    )
    .orderBy('id')
    .execute();
  return rows.map(({ body }) => body.toString());
}

async function rowsBefore(time: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from events where recorded_at < ${time})::int
         + (select count(*) from attempts where failed_at < ${time})::int
         + (select count(*) from deliveries where recorded_at < ${time})::int as count`.execute(db);
  return rows[0]?.count ?? 0;
}

async function count(table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from ${sql.id(table)}`.execute(db);
  return rows[0]?.count ?? 0;
}

async function listed(table: string): Promise<readonly string[]> {
  return (await listMonths(db)).filter((month) => month.table === table).map(({ name }) => name);
}

function stamp(time: Date): string {
  return time.toISOString().slice(0, 7).replace('-', '_');
}

function aCharge(id: string): Delivery {
  const object = { id, object: 'charge', amount: 500, amount_captured: 500, amount_refunded: 0, currency: 'eur' };
  const state = { captured: true, paid: true, refunded: false, status: 'succeeded' };
  const event = aStripeEvent({ type: 'charge.succeeded', object: { ...object, ...state } });
  return aDelivery({ eventId: event.id, type: 'charge.succeeded', text: event.body.toString() });
}

function aRefund(id: string, charge: string): Delivery {
  const object = { id, object: 'refund', amount: 100, currency: 'eur', status: 'succeeded', charge };
  const event = aStripeEvent({ type: 'refund.created', object, created: 1_790_000_001 });
  return aDelivery({ eventId: event.id, type: 'refund.created', text: event.body.toString() });
}
