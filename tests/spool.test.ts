import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** The queue is dead under a running ingest that has a spool: what it acknowledges reaches the queue all the same. */
// Where Redis comes in a container there is no server of ours to stop.
describe.runIf(findRedisServer() !== null)('an ingest with a spool, while the queue is away', () => {
  let system: TestSystem;
  let redis: Awaited<ReturnType<typeof startRedisServer>>;
  let queue: WebhookQueue;
  const dir = join(testRunDir(), 'spool-redis');

  beforeAll(async () => {
    redis = await startRedisServer({ dir });
    system = await createTestSystem('redis', {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'webhooks',
      PENSTOCK_CONFIG: 'tests/harness/stripe.test.config.ts',
    });
    queue = openWebhookQueue({ backend: 'redis', url: redis.url, name: 'webhooks' });
  });
  afterAll(async () => {
    await queue[Symbol.asyncDispose]();
    await redis.stop();
    await system[Symbol.asyncDispose]();
  });

  test('killed while it spools, and started again without a queue, it loses nothing that it acknowledged', async () => {
    const spoolDir = await folder();
    const acknowledged: string[] = [];
    let ingest = await system.startIngest({ SPOOL_DIR: spoolDir });
    await redis.kill();
    for (let round = 0; round < 3; round += 1) {
      const first = aStripeEvent();
      expect((await postStripe(ingest, first.body)).json).toMatchObject({ status: 'accepted' });
      acknowledged.push(first.id);
      const posts = Array.from({ length: 60 }, async (_, index) => {
        const event = aStripeEvent();
        const answer = await postStripe(ingest, event.body).catch(() => null);
        if (answer?.status === 200) acknowledged.push(event.id);
        if (index === 20) ingest.kill('SIGKILL');
      });
      await Promise.all(posts);
      expect((await ingest.exited).signal).toBe('SIGKILL');
      // With its queue away since before it began.
      ingest = await system.startIngest({ SPOOL_DIR: spoolDir });
    }
    expect(acknowledged.length).toBeGreaterThan(60);
    redis = await startRedisServer({ dir, port: redis.port });
    await until(async () => (await segmentsIn(spoolDir)) === 0, {
      what: 'the spool to be drained',
    });
    const places = await Promise.all(acknowledged.map((id) => queue.placeOf(`stripe.${id}`)));
    expect(new Set(places)).toEqual(new Set(['waiting']));
    await ingest.stop();
  });

  test('it is ready and says that it is degraded; full, it answers 503 and is not ready; drained, it takes events again', async () => {
    await using ingest = await system.startIngest({ SPOOL_DIR: await folder(), SPOOL_BYTES_MAX: '65536' });
    await redis.kill();
    const event = aStripeEvent();
    expect((await postStripe(ingest, event.body)).json).toMatchObject({ status: 'accepted' });
    expect((await postStripe(ingest, event.body)).json).toMatchObject({
      status: 'duplicate',
      detail: 'already queued',
    });
    expect(await readiness(ingest)).toMatchObject({
      status: 200,
      body: expect.stringContaining('"status":"degraded"'),
    });

    const statuses = await Promise.all(
      Array.from({ length: 150 }, async () => (await postStripe(ingest, aStripeEvent().body)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    const metrics = await (await fetch(`${ingest.healthUrl}/metrics`)).text();
    expect(Number(/^penstock_spool_bytes\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(60_000);
    expect(metrics).toMatch(/^penstock_spool_deliveries_total\{outcome="refused".*\} [1-9]/m);

    redis = await startRedisServer({ dir, port: redis.port });
    await until(async () => (await readiness(ingest)).body.includes('"status":"ready"'), { what: 'readiness' });
    await until(async () => (await queue.placeOf(`stripe.${event.id}`)) === 'waiting', { what: 'the spooled event' });
    await until(async () => (await postStripe(ingest, aStripeEvent().body)).status === 200, {
      what: 'events to be taken',
    });
  });

  test('a second ingest on the folder of a running one ends with exit code 78 and says why', async () => {
    const spoolDir = await folder();
    await using _first = await system.startIngest({ SPOOL_DIR: spoolDir });
    const second = await startProcess({
      name: 'ingest',
      script: 'apps/ingest/src/main.ts',
      env: { ...system.environment, SPOOL_DIR: spoolDir },
    });
    expect((await second.exited).code).toBe(78);
    expect(second.output()).toContain(`SPOOL_DIR ${spoolDir} is used by another process`);
  });
});

function folder(): Promise<string> {
  return mkdtemp(join(testRunDir(), 'spool-'));
}

async function segmentsIn(dir: string): Promise<number> {
  return (await readdir(dir)).filter((name) => name.endsWith('.spool')).length;
}

async function readiness(ingest: {
  readonly healthUrl: string;
}): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`${ingest.healthUrl}/ready`);
  return { status: response.status, body: await response.text() };
}
