import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { destinationSchema, type Destination } from '@penstock/core/destination';
import { openDatabase } from '@penstock/db/database';
import { openOutboxQueue, outboxLocation } from '@penstock/runtime/outbox-queue';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { deliverMessage, type Delivered, type DeliverWorld } from '@penstock/worker/deliver-message';
import { openDestinations } from '@penstock/worker/destinations';
import { realTime } from '@penstock/worker/real-time';
import { relayOutbox } from '@penstock/worker/relay-outbox';
import { startReceiver, type Receiver } from './harness/receiver.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;

let receiver: Receiver;
let system: TestSystem;
beforeEach(async () => {
  receiver = await startReceiver(secret);
  system = await createTestSystem();
});
afterEach(async () => {
  await system[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

test('messages that wait for a limited destination are looked at a few times each, load nothing, and hold up nobody else’s', async () => {
  const waiting = 300;
  await promise('limited', { messages: waiting });
  await using forwarding = await forward({ limited: { perSecond: 50 }, healthy: {} });
  await until(() => forwarding.looks().length >= waiting, { what: 'each to have been looked at' });
  await promise('healthy', { messages: 1 });
  await forwarding.relay();
  await until(async () => (await delivered('healthy')) === 1, { what: 'the other destination’s message to arrive' });
  expect(await delivered('limited'), 'the limited destination’s wait still').toBeLessThan(waiting);

  await until(async () => (await delivered('limited')) === waiting, { what: 'the limited destination’s to arrive' });
  expect(forwarding.looks().length).toBeLessThanOrEqual(4 * waiting);
  expect(forwarding.loads(), 'payloads that were loaded').toBe(waiting + 1);
  expect(new Set(receiver.accepted.map(({ id }) => id)).size).toBe(waiting + 1);
  expect(receiver.accepted).toHaveLength(waiting + 1);
});

test('messages that wait for a place at a slow destination are looked at a few times each, and load nothing', async () => {
  const waiting = 100;
  await promise('slow', { messages: waiting });
  const held: (() => void)[] = [];
  await using forwarding = await forward(
    { slow: { concurrency: 2 } },
    { beforeSend: () => new Promise<void>((resolve) => held.push(resolve)) },
  );
  await until(
    async () => {
      for (const release of held.splice(0)) release();
      return (await delivered('slow')) === waiting;
    },
    { what: 'all to arrive' },
  );
  expect(forwarding.looks().length).toBeLessThanOrEqual(8 * waiting);
  expect(forwarding.loads()).toBe(waiting);
});

test('what waits for the message before it comes back ever later, ten seconds later at most', async () => {
  await promise('ordered', { messages: 2, orderKey: 'payment:1' });
  await using world = openWorld({ ordered: { order: 'payment' } });
  const { id } = await system.db
    .selectFrom('outbox_deliveries')
    .select((row) => row.fn.max('id').as('id'))
    .executeTakeFirstOrThrow();
  const told: number[] = [];
  for (const seconds of [0, 4, 20, 3_600]) {
    await sql`update outbox_deliveries set touched_at = now() - make_interval(secs => ${seconds})`.execute(system.db);
    const { verdict } = await deliverMessage({ jobId: 'delivery', data: { id }, attempt: 1 }, world.deliver);
    told.push(verdict.kind === 'postpone' ? verdict.delayMs : Number.NaN);
  }
  expect(told[0]).toBeLessThan(1_000);
  expect(told[1]).toBeGreaterThanOrEqual(1_000);
  expect(told[2]).toBeGreaterThanOrEqual(5_000);
  expect(told[3]).toBe(10_000);
  expect(world.loads()).toBe(0);
});

test('a destination that is left alone is not loaded for', async () => {
  const waiting = 60;
  await promise('down', { messages: waiting });
  receiver.answerWith(() => ({ status: 500 }));
  // Left alone for eight seconds after ten failures.
  await using forwarding = await forward({ down: { retryMs: 1_000, concurrency: 1 } });
  await until(() => forwarding.looks().filter(({ outcome }) => outcome === 'retry').length >= 10, {
    what: 'ten failures',
  });
  receiver.answerWith(() => ({ status: 204 }));
  await until(async () => (await delivered('down')) === waiting, { what: 'all to arrive' });
  expect(forwarding.loads(), 'ten failed, one found it left alone').toBeLessThanOrEqual(waiting + 11);
});

/** What a worker does to bring messages to destinations, with each look at one remembered. */
async function forward(...given: Parameters<typeof openWorld>) {
  const looks: Delivered[] = [];
  const world = openWorld(...given);
  const queue = openOutboxQueue(system.queue.location);
  await queue.connected();
  const relay = () => relayOutbox({ db: system.db, queue, now: () => new Date() });
  await relay();
  const consumer = consumeWebhooks({
    location: outboxLocation(system.queue.location),
    concurrency: 16,
    lockMs: 30_000,
    onError: () => undefined,
    onAbandoned: async () => undefined,
    attempt: async (job) => {
      const look = await deliverMessage(job, world.deliver);
      looks.push(look);
      return look.verdict;
    },
  });
  return {
    looks: () => looks,
    loads: world.loads,
    relay,
    [Symbol.asyncDispose]: async () => {
      await consumer[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** Destinations that are all the receiver, and a count of the payloads that were loaded for them. */
function openWorld(
  destinations: Readonly<Record<string, Partial<Destination>>>,
  given: { readonly beforeSend?: () => Promise<unknown> } = {},
) {
  let loads = 0;
  const db = openDatabase({
    url: String(system.environment['DATABASE_URL']),
    poolMax: 10,
    applicationName: 'test',
    onQuery: ({ sql: text }) => {
      if (text.includes('"outbox"."payload"')) loads += 1;
    },
  });
  const configured = new Map(
    Object.entries(destinations).map(([name, more]) => [
      name,
      destinationSchema.parse({ url: receiver.url, secrets: [secret], allowPrivate: true, ...more }),
    ]),
  );
  const deliver: DeliverWorld = {
    db,
    ...realTime,
    destinations: openDestinations(configured, {}),
    now: () => new Date(),
    sending: async (_message, send) => {
      await given.beforeSend?.();
      return send(undefined);
    },
  };
  return { deliver, loads: () => loads, [Symbol.asyncDispose]: () => db.destroy() };
}

/** Promises messages to a destination, as the transaction of an event does. */
async function promise(
  destination: string,
  { messages, orderKey = null }: { readonly messages: number; readonly orderKey?: string | null },
): Promise<void> {
  await sql`
    with entry as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id)
      select 'a', ${destination} || n, 'e', 'stripe', 'e.' || ${destination} || n, sha256('x'), now(), 'r'
      from generate_series(1, ${messages}::int) n returning id, provider_event_id),
    message as (
      insert into outbox (ledger_id, topic, key, payload)
      select id, 't', provider_event_id, '{"n": 1}' from entry order by id returning id)
    insert into outbox_deliveries (outbox_id, destination, order_key)
    select id, ${destination}, ${orderKey} from message order by id`.execute(system.db);
}

async function delivered(destination: string): Promise<number> {
  const rows = await system.db
    .selectFrom('outbox_deliveries')
    .select('id')
    .where('destination', '=', destination)
    .where('state', '=', 'delivered')
    .execute();
  return rows.length;
}
