import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createStandardWebhooksVerifier } from '@penstock/core/providers/standard-webhooks/verify';
import { testRedisUrl } from '@penstock/local/test-services';
import { openOutboxQueue, outboxLocation } from '@penstock/runtime/outbox-queue';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { relayOutbox, repairOutbox } from '@penstock/worker/relay-outbox';
import { startReceiver, type Receiver } from './harness/receiver.ts';
import { queueBackends } from './harness/queues.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const keys = generateKeyPairSync('ed25519');
const publicKey = rawOf(keys.publicKey.export({ format: 'der', type: 'spki' }));
const privateKey = rawOf(keys.privateKey.export({ format: 'der', type: 'pkcs8' }));
const signing = `whsk_${Buffer.concat([privateKey, publicKey]).toString('base64')}`;

describe.each(queueBackends)('forwarding with the queue in %s', (backend) => {
  let receiver: Receiver;
  let system: TestSystem;
  let ingest: TestIngest;
  beforeAll(async () => {
    receiver = await startReceiver(secret);
    system = await createTestSystem(backend, {
      PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
      RECEIVER_URL: receiver.url,
      RECEIVER_SECRET: `${secret},${signing}`,
    });
    ingest = await system.startIngest();
    await system.startWorker();
  });
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });
  beforeEach(() => receiver.answerWith(() => ({ status: 204 })));

  test('an event is told once, in the canonical shape, signed under every secret', async () => {
    const { id, body } = aStripeEvent({ type: 'charge.succeeded', object: aCharge('ch_told') });
    await post(body);
    await post(body);
    const [message] = await accepted(id, 1);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({
      type: 'payment.captured',
      data: {
        event: { id, provider: 'stripe', type: 'charge.succeeded' },
        payments: [{ id: 'ch_told', status: 'captured', amountCaptured: 500, currency: 'EUR' }],
      },
    });
    expect(message?.headers['user-agent']).toMatch(/^penstock\//);
    const verify = createStandardWebhooksVerifier({ secrets: [`whpk_${publicKey.toString('base64')}`] });
    const headers = Object.fromEntries(Object.entries(message?.headers ?? {}).map(([name, value]) => [name, [value]]));
    const request = { method: 'POST', query: '', headers, body: Buffer.from(message?.body ?? '') };
    expect(await verify(request, new Date())).toMatchObject({ kind: 'verified' });
    await until(async () => (await states())['delivered'] === 1, { what: 'the delivery to be recorded' });
    expect(await states()).toEqual({ delivered: 1 });
  });

  test('a raw destination is sent the provider’s exact bytes, and a handler’s message goes where its topic does', async () => {
    const raw = aStripeEvent({ type: 'customer.deleted' });
    const spaced = Buffer.from(raw.body.toString().replaceAll(',', ' , '));
    await post(spaced);
    expect((await accepted(raw.id, 1))[0]?.body).toBe(spaced.toString());

    const told = aStripeEvent({ type: 'customer.updated' });
    await post(told.body);
    expect(JSON.parse((await accepted(told.id, 1))[0]?.body ?? '')).toMatchObject({
      type: 'customers.told',
      data: { told: told.id },
    });
  });

  test(
    'down, silent, limiting, failing and hanging up: every event arrives, once under its id',
    { timeout: 180_000 },
    async () => {
      const troubles = [
        null,
        { status: 500 },
        { status: 429, headers: { 'retry-after': '1' } },
        { status: 302 },
        'silent' as const,
      ];
      const seen = new Map<string, number>();
      receiver.answerWith(({ id }) => {
        const times = seen.get(id) ?? 0;
        seen.set(id, times + 1);
        return times < 2 ? (troubles[(times + Number(id.at(-1))) % troubles.length] ?? null) : { status: 204 };
      });
      const before = receiver.accepted.length;
      await receiver.down();
      const events = Array.from({ length: 10 }, () => aStripeEvent({ type: 'customer.tax_id.created' }));
      for (const { body } of events) await post(body);
      await until(async () => (await refused()) >= 5, { what: 'the receiver to be found down' });
      await receiver.up();
      for (const { id } of events) await accepted(id, 1);
      const ids = receiver.accepted.slice(before).map(({ id }) => id);
      expect(ids).toHaveLength(events.length);
      expect(new Set(ids).size).toBe(events.length);
      expect([...seen.values()]).toEqual(events.map(() => 3));
    },
  );

  test('Retry-After is waited for', async () => {
    const { id, body } = aStripeEvent();
    let asked = 0;
    receiver.answerWith(() =>
      (asked += 1) === 1 ? { status: 503, headers: { 'retry-after': '2' } } : { status: 204 },
    );
    await post(body);
    const [message] = await accepted(id, 1);
    const first = receiver.arrived.find((each) => each.id === message?.id);
    expect((message?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_900);
  });

  test('410, and failing to the end, make a dead letter with the last answer', async () => {
    receiver.answerWith(({ body }) => ({ status: body.includes('gone') ? 410 : 500 }));
    const gone = aStripeEvent({ object: { id: 'gone', object: 'customer' } });
    const raw = aStripeEvent({ type: 'customer.deleted', object: { id: 'gone', object: 'customer' } });
    const failing = aStripeEvent();
    for (const { body } of [gone, raw, failing]) await post(body);
    await until(async () => (await deliveryOf(failing.id))?.state === 'dead', { what: 'the message to be dead' });
    expect(await deliveryOf(failing.id)).toMatchObject({ attempts: 6, last_status: 500 });
    await until(async () => (await deliveryOf(raw.id))?.state === 'dead', { what: 'the other to be dead' });
    expect(await deliveryOf(raw.id)).toMatchObject({ attempts: 1, last_status: 410, last_error: 'answered 410' });
  });

  test('what concerns one payment arrives in its order, though the first of it has to be sent again', async () => {
    const seen = new Set<string>();
    receiver.answerWith(({ id }) => {
      const again = seen.has(id);
      seen.add(id);
      return again ? { status: 204 } : { status: 500 };
    });
    const events = [1, 2, 3, 4].map((number) =>
      aStripeEvent({ type: 'refund.created', object: aRefund('ch_in_order', number) }),
    );
    for (const { id, body } of events) {
      await post(body);
      await until(async () => (await deliveryOf(id)) !== undefined, { what: 'the event to be promised' });
    }
    for (const { id } of events) await accepted(id, 1);
    const order = receiver.accepted.flatMap(({ body }) => events.findIndex(({ id }) => body.includes(id)));
    expect(order.filter((position) => position !== -1)).toEqual([0, 1, 2, 3]);
  });

  test('an address that is not allowed is not sent to', async () => {
    const { id, body } = aStripeEvent({ type: 'customer.source.created' });
    await post(body);
    await until(async () => (await deliveryOf(id))?.state === 'dead', { what: 'the message to be dead' });
    expect(await deliveryOf(id)).toMatchObject({
      last_status: null,
      last_error: expect.stringContaining('private or reserved address'),
    });
    expect(receiver.arrived.filter((message) => message.body.includes(id))).toEqual([]);
  });

  async function post(body: Buffer): Promise<void> {
    expect((await postStripe(ingest, body)).status).toBe(200);
  }

  /** What was accepted that tells of this event, once there is so much. */
  async function accepted(eventId: string, count: number) {
    const telling = () => receiver.accepted.filter(({ body }) => body.includes(eventId));
    await until(async () => telling().length >= count, { what: `${eventId} to arrive` });
    return telling();
  }

  /** How many messages found nobody listening. */
  async function refused(): Promise<number> {
    const rows = await system.db
      .selectFrom('outbox_deliveries')
      .select('id')
      .where('last_error', 'like', '%ECONNREFUSED%')
      .execute();
    return rows.length;
  }

  async function states(): Promise<Readonly<Record<string, number>>> {
    const rows = await system.db
      .selectFrom('outbox_deliveries')
      .select(['state', (count) => count.fn.countAll<number>().as('count')])
      .groupBy('state')
      .execute();
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  }

  function deliveryOf(eventId: string) {
    return system.db
      .selectFrom('outbox_deliveries')
      .innerJoin('outbox', 'outbox.id', 'outbox_deliveries.outbox_id')
      .innerJoin('ledger', 'ledger.id', 'outbox.ledger_id')
      .select(['outbox_deliveries.state', 'outbox_deliveries.attempts', 'last_status', 'last_error'])
      .where('ledger.provider_event_id', '=', eventId)
      .executeTakeFirst();
  }
});

test(
  'a worker killed between the answer and its record sends again, under the same id',
  { timeout: 180_000 },
  async () => {
    await using receiver = await startReceiver(secret);
    await using system = await createTestSystem('redis', {
      PENSTOCK_CONFIG: 'tests/harness/forwarding.test.config.ts',
      RECEIVER_URL: receiver.url,
      RECEIVER_SECRET: secret,
    });
    const ingest = await system.startIngest();
    const doomed = await system.startWorker({ CRASH_AT: 'sent:1' }, 'tests/fixtures/crashing-worker.ts');
    const { body } = aStripeEvent();
    await postStripe(ingest, body);
    expect((await doomed.exited).signal).toBe('SIGKILL');
    await system.startWorker();
    await until(async () => receiver.accepted.length === 2, { what: 'the message to arrive again' });
    expect(new Set(receiver.accepted.map(({ id }) => id)).size).toBe(1);
    await until(
      async () =>
        (await system.db.selectFrom('outbox_deliveries').select('state').executeTakeFirst())?.state === 'delivered',
      { what: 'the delivery to be recorded' },
    );
  },
);

test('messages whose jobs the second queue has lost are put back, and no others', async () => {
  await using system = await createTestSystem();
  const { rows } = await sql<{ id: number }>`
    with entry as (insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id)
                   values ('a', 'evt_1', 'e', 'stripe', 'e.evt_1', sha256('x'), now(), 'r') returning id),
         message as (insert into outbox (ledger_id, topic, key, payload) select id, 't', 'k', '{}' from entry returning id)
    insert into outbox_deliveries (outbox_id, destination)
    select id, destination from message, unnest(array['one', 'two']) as destination returning id`.execute(system.db);
  const ids = rows.map(({ id }) => id);
  await using queue = openOutboxQueue(system.queue.location);
  await queue.connected();
  const relay = { db: system.db, queue, now: () => new Date(Date.now() + 3_600_000) };
  expect(await relayOutbox(relay)).toBe(2);
  expect(await relayOutbox(relay)).toBe(0);
  expect(await repairOutbox(relay)).toBe(0);

  const rest = () =>
    system.db
      .updateTable('outbox_deliveries')
      .set({ touched_at: new Date(0) })
      .execute();
  await rest();
  const redis = new Redis(testRedisUrl());
  const prefix = `bull:${system.queue.location.name}-outbox`;
  expect(await repairOutbox(relay)).toBe(0);

  // A queue that gave up on them by itself has not told the table so.
  await using failing = consumeWebhooks({
    location: outboxLocation(system.queue.location),
    concurrency: 2,
    lockMs: 30_000,
    attempt: async () => ({ kind: 'dead', error: new Error('given up') }),
    onAbandoned: async () => undefined,
    onError: () => undefined,
  });
  await until(async () => (await queue.lost(ids)).length === 2, { what: 'both jobs to have failed' });
  await failing[Symbol.asyncDispose]();
  await rest();
  expect(await repairOutbox(relay)).toBe(2);
  expect(await queue.lost(ids)).toEqual([]);

  await rest();
  for (const key of await redis.keys(`${prefix}:*`)) await redis.del(key);
  redis.disconnect();
  expect(await queue.lost(ids)).toEqual(ids);
  expect(await repairOutbox(relay)).toBe(2);
  expect(await queue.lost(ids)).toEqual([]);
});

function aCharge(id: string): Record<string, unknown> {
  return {
    id,
    object: 'charge',
    amount: 500,
    amount_captured: 500,
    amount_refunded: 0,
    captured: true,
    currency: 'eur',
    paid: true,
    refunded: false,
    status: 'succeeded',
  };
}

function aRefund(charge: string, number: number): Record<string, unknown> {
  return { id: `re_${charge}_${number}`, object: 'refund', amount: 10, currency: 'eur', status: 'succeeded', charge };
}

/** The last 32 bytes of either encoding are the key (RFC 8410). */
function rawOf(der: Buffer): Buffer {
  return der.subarray(-32);
}
