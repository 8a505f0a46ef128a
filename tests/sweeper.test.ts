import { Redis } from 'ioredis';
import { sql } from 'kysely';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { aDelivery } from './harness/deliveries.ts';
import { aStripeEvent, createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

test(
  'after FLUSHALL the sweeper brings back every stored event that was not finished',
  { timeout: 90_000 },
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
      deadlineMs: 30_000,
    });
    expect(await system.effects()).toEqual(new Map(events.map(({ id }) => [id, 1])));
  },
);

test(
  'a job that ended in the failed set without the ledger knowing becomes a dead event',
  { timeout: 60_000 },
  async () => {
    await using system = await createTestSystem('redis', { SWEEP_MS: '200', SWEEP_GRACE_MS: '300' });
    const delivery = aDelivery({ account: 'acme' });
    await system.queue.add([delivery]);
    const job = await system.queue.bull.getJob(`stripe.${delivery.eventId}`);
    // As when a queue gives up on a job by itself, and the worker that saw it died.
    const { Worker } = await import('bullmq');
    const connection = new Redis(system.environment['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
    const silent = new Worker(system.environment['QUEUE_NAME'] ?? '', null, { connection });
    const taken = await silent.getNextJob('token');
    await taken?.moveToFailed(
      Object.assign(new Error('job stalled more than allowable limit'), { name: 'UnrecoverableError' }),
      'token',
    );
    await silent.close();
    connection.disconnect();
    expect(await job?.getState()).toBe('failed');

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
