import { randomUUID } from 'node:crypto';
import { cp, rename, rm } from 'node:fs/promises';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import path from 'node:path';
import { expect, test } from 'vitest';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { openLedgerStore } from '@penstock/db/ledger-store';
import { reviveEvents } from '@penstock/db/revive-events';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { buryDelivery } from '@penstock/worker/record-failed-attempt';
import { sweep } from '@penstock/worker/sweep';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

test(
  'after FLUSHALL the sweeper brings back every stored event that was not finished',
  { timeout: 240_000 },
  async () => {
    // Its own Redis: nobody else's queue may be flushed.
    await using redis = await startRedisServer({ dir: path.join(testRunDir(), 'flushed-redis') });
    await using system = await createTestSystem('redis', {
      REDIS_URL: redis.url,
      SWEEP_MS: '200',
      SWEEP_GRACE_MS: '500',
    });
    const ingest = await system.startIngest();
    const first = await system.startWorker({ SWEEP_MS: '3600000' });
    const events = Array.from({ length: 60 }, () => aStripeEvent({ type: 'customer.deleted' }));
    await Promise.all(events.map(({ body }) => postStripe(ingest, body)));
    await until(async () => (await system.ledger())['received'] === events.length, {
      what: 'every event to be stored with its first attempt failed',
    });
    await first.stop();

    const client = new Redis(redis.url);
    await client.flushall();
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
    await sql`insert into repaired default values`.execute(system.db);

    await system.startWorker();
    await until(async () => (await system.ledger())['processed'] === events.length, {
      what: 'every event to be processed after all',
    });
    expect(await system.effects()).toEqual(new Map(events.map(({ id }) => [id, 1])));
  },
);

test(
  'a job that ended in the failed set without the ledger knowing becomes a dead event',
  { timeout: 180_000 },
  async () => {
    await using system = await createTestSystem('redis', { SWEEP_MS: '200', SWEEP_GRACE_MS: '300' });
    const delivery = aDelivery({ account: 'acme' });
    await system.queue.add([delivery]);
    await failBySomebodyElse(system);
    expect(await system.queue.placeOf(`stripe.${delivery.eventId}`)).toBe('failed');

    await system.startWorker();
    const dead = await until(
      () =>
        system.db
          .selectFrom('ledger')
          .selectAll()
          .where('provider_event_id', '=', delivery.eventId)
          .where('state', '=', 'dead')
          .executeTakeFirst(),
      { what: 'the event to be marked dead' },
    );
    expect(dead).toMatchObject({ failure_code: 'job_abandoned', failure_reason: 'abandoned' });
    expect(await system.db.selectFrom('events').select('type').where('id', '=', dead.id).executeTakeFirst()).toEqual({
      type: delivery.type,
    });
  },
);

test(
  'ledger and failed set are made to agree: a lost dead letter is put back without an attempt and can be worked on again, a stale one is taken out',
  { timeout: 180_000 },
  async () => {
    await using system = await createTestSystem('redis', { SWEEP_MS: '200', SWEEP_GRACE_MS: '300' });
    const [processed, dead] = [aStripeDelivery('customer.created'), aStripeDelivery('customer.updated')];
    const first = await system.startWorker();
    await system.queue.add([processed, dead]);
    await until(async () => (await system.queue.counts()).failed === 1, { what: 'one to be dead' });
    await until(async () => (await system.ledger())['processed'] === 1, { what: 'the other to be processed' });
    await first.stop();

    await system.queue.forgetFailed(jobIdOf(dead));
    await (await system.queue.bulls()[0].getJob(jobIdOf(processed)))?.remove();
    await system.queue.add([processed]);
    await failBySomebodyElse(system);
    expect(await places(system, [processed, dead])).toEqual(['failed', 'missing']);

    await system.startWorker();
    await until(async () => (await places(system, [processed, dead])).join() === 'missing,failed', {
      what: 'the failed set to hold the dead event and no other',
    });
    const [failed] = await system.queue.failedJobs({ from: 0, count: 10 });
    expect(failed?.reason).toBe('test_poison: this event can never be handled');
    expect(await system.ledger()).toEqual({ processed: 1, dead: 1 });
    const attempts = () => system.db.selectFrom('attempts').select('attempt').execute();
    expect(await attempts()).toHaveLength(1);
    // The provider sends the dead one again.
    expect(await system.queue.add([dead])).toEqual(['already queued']);
    await until(async () => (await attempts()).length === 2, { what: 'the dead letter to be worked on again' });
    expect(await system.effects()).toEqual(new Map([[processed.eventId, 1]]));
  },
);

test(
  'after Redis came back older than it was, nothing is applied twice and ledger and queue agree',
  { timeout: 240_000 },
  async () => {
    const dir = path.join(testRunDir(), 'older-redis');
    const before = await startRedisServer({ dir });
    await using system = await createTestSystem('redis', {
      REDIS_URL: before.url,
      SWEEP_MS: '200',
      SWEEP_GRACE_MS: '300',
    });
    await using queue = openWebhookQueue({
      backend: 'redis',
      url: before.url,
      name: system.environment['QUEUE_NAME'] ?? '',
    });
    await queue.connected();
    const early = Array.from({ length: 20 }, () => aStripeDelivery('customer.created'));
    const failing = Array.from({ length: 5 }, () => aStripeDelivery('customer.deleted'));
    const dead = aStripeDelivery('customer.updated');
    const first = await system.startWorker();
    await queue.add([...failing, dead]);
    await until(async () => (await system.ledger())['received'] === failing.length, { what: 'five to be delayed' });
    await until(async () => (await queue.counts()).failed === 1, { what: 'one to be dead' });
    await first.stop();
    await queue.add(early);
    // As it stands on disk: twenty that wait, five that are delayed, one dead.
    await before.stop();
    await cp(dir, `${dir}.older`, { recursive: true });

    const between = await startRedisServer({ dir, port: before.port });
    await sql`insert into repaired default values`.execute(system.db);
    const second = await system.startWorker();
    await until(async () => (await system.ledger())['processed'] === 25, { what: 'all to be processed' });
    await second.stop();
    await between.stop();
    await rm(dir, { recursive: true });
    await rename(`${dir}.older`, dir);

    await using _older = await startRedisServer({ dir, port: before.port });
    await until(async () => (await queue.counts().catch(() => null))?.waiting === early.length, {
      what: 'the old jobs to be back',
    });
    await system.startWorker();
    await until(
      async () => {
        const { waiting, active, delayed } = await queue.counts();
        return waiting + active + delayed === 0;
      },
      { what: 'the old jobs to be gone' },
    );
    expect(await system.ledger()).toEqual({ processed: 25, dead: 1 });
    expect(await system.effects()).toEqual(new Map([...early, ...failing].map(({ eventId }) => [eventId, 1])));
    expect(await queue.placeOf(jobIdOf(dead))).toBe('failed');
  },
);

test('an event that a replay gives back while the failed set is looked at is not marked dead for it', async () => {
  await using system = await createTestSystem('redis');
  const delivery = aStripeDelivery('customer.created');
  await system.queue.add([delivery]);
  await failBySomebodyElse(system);
  const store = openLedgerStore(system.db);
  await buryDelivery(store, delivery, { failure: toFailure(new PermanentError('test_poison', 'broken')) });
  const swept = await sweep({
    store,
    queue: {
      ...system.queue,
      failedJobs: async (range) => {
        const seen = await system.queue.failedJobs(range);
        await system.db.transaction().execute(async (tx) => {
          const { id } = await tx.selectFrom('ledger').select('id').executeTakeFirstOrThrow();
          await reviveEvents(tx, [id]);
          await system.queue.recreate(delivery);
        });
        return seen;
      },
    },
    // Long after the job failed.
    now: () => new Date(Date.now() + 60_000),
    newId: randomUUID,
    graceMs: 1_000,
  });
  expect(swept).toMatchObject({ markedDead: 0 });
  expect(await system.ledger()).toEqual({ received: 1 });
  expect(await places(system, [delivery])).toEqual(['waiting']);
});

function aStripeDelivery(type: string): Delivery {
  return aDelivery({ account: 'acme', type });
}

async function places(system: TestSystem, deliveries: readonly Delivery[]): Promise<readonly string[]> {
  return Promise.all(deliveries.map((delivery) => system.queue.placeOf(jobIdOf(delivery))));
}

/** Fails the next job, as a queue does that gives it up by itself, and the worker that saw it died. */
async function failBySomebodyElse(system: TestSystem): Promise<void> {
  const connection = new Redis(system.environment['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
  const silent = new Worker(system.environment['QUEUE_NAME'] ?? '', null, { connection });
  const taken = await silent.getNextJob('token');
  await taken?.moveToFailed(
    Object.assign(new Error('job stalled more than allowable limit'), { name: 'UnrecoverableError' }),
    'token',
  );
  await silent.close();
  connection.disconnect();
}
