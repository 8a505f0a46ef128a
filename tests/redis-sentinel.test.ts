import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import type { TestProcess } from './harness/process.ts';
import { isReplica, startRedisWithSentinels } from './harness/redis-layouts.ts';
import { expectAppliedOnce, moreAcknowledged, startSteadyProvider } from './harness/steady-provider.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** Ingest and a worker on a master with two replicas that three sentinels watch, as production accepts it. */
// Where Redis comes in a container there is no server of ours for sentinels to watch.
describe.runIf(findRedisServer() !== null)('on Redis with sentinels', () => {
  let redis: Awaited<ReturnType<typeof startRedisWithSentinels>>;
  let system: TestSystem;
  let ingest: TestIngest;
  let worker: TestProcess;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    redis = resources.use(await startRedisWithSentinels(join(testRunDir(), 'redis-sentinel')));
    system = resources.use(
      await createTestSystem('redis', {
        REDIS_URL: redis.url,
        QUEUE_NAME: 'webhooks',
        NODE_ENV: 'production',
        ENQUEUE_MS: '1000',
        PENSTOCK_CONFIG: 'tests/harness/counting.test.config.ts',
      }),
    );
    ingest = resources.use(await system.startIngest());
    worker = resources.use(await system.startWorker());
  }, 180_000);
  afterAll(() => resources.disposeAsync());

  test('what no replica has is not acknowledged, and the same event is once one has it', async () => {
    const event = aStripeEvent();
    const master = await redis.master();
    const replicas = redis.nodes.filter((node) => node !== master);
    for (const replica of replicas) replica.signal('SIGSTOP');
    try {
      expect((await postStripe(ingest, event.body)).status).toBe(503);
    } finally {
      for (const replica of replicas) replica.signal('SIGCONT');
    }
    await until(async () => (await postStripe(ingest, event.body)).status === 200, { what: 'the event to be taken' });
    await expectAppliedOnce(system, [event.id]);
  });

  test('not to wait for replicas is refused: the one that takes over may lack what was acknowledged', async () => {
    await using queue = openWebhookQueue({ backend: 'redis', url: redis.url, name: 'webhooks', replicas: 0 });
    await queue.connected();
    await expect(queue.assertReady()).rejects.toThrow(/may lose acknowledged events: .*QUEUE_REPLICAS is 0/);
  });

  test('a replica that is lost is soon not waited for, and one that is back is waited for again', async () => {
    const master = await redis.master();
    const [lost, other] = redis.nodes.filter((node) => node !== master);
    const isTaken = async () => (await postStripe(ingest, aStripeEvent().body)).status === 200;
    await lost?.kill();
    await until(isTaken, { what: 'an event to be taken without it', deadlineMs: 20_000 });
    await lost?.restart();
    await until(
      async () => (await master.ask((connection) => connection.info())).match(/,state=online,/g)?.length === 2,
      { what: 'the replica to be back' },
    );
    other?.signal('SIGSTOP');
    try {
      await until(async () => !(await isTaken()), { what: 'an event to be refused without the other' });
    } finally {
      other?.signal('SIGCONT');
    }
    await until(isTaken, { what: 'an event to be taken with both' });
  }, 60_000);

  test('the master is replaced while it runs: what was acknowledged is applied once', async () => {
    // What waits is in Redis alone.
    worker.kill('SIGSTOP');
    await using provider = startSteadyProvider(ingest);
    await moreAcknowledged(provider, 50);
    const refused = provider.refused();
    await redis.failOver(async () => {
      const before = provider.acknowledged.length;
      await until(() => provider.refused() > refused || provider.acknowledged.length > before + 100, {
        what: 'the former master to go on or not',
      });
    });
    await moreAcknowledged(provider, 50);
    await provider.stop();
    worker.kill('SIGCONT');
    await expectAppliedOnce(system, provider.acknowledged);
  }, 300_000);

  test('the master dies under load: a replica takes its place, and what was acknowledged is applied once', async () => {
    const master = await redis.master();
    const replicas = redis.nodes.filter((node) => node !== master);
    await using provider = startSteadyProvider(ingest);
    await moreAcknowledged(provider, 50);
    await master.kill();
    await until(async () => !(await Promise.all(replicas.map(isReplica))).every(Boolean), {
      what: 'a replica to become the master',
    });
    await moreAcknowledged(provider, 50);
    await master.restart();
    await moreAcknowledged(provider, 20);
    await provider.stop();
    expect(provider.refused()).toBeGreaterThan(0);
    await expectAppliedOnce(system, provider.acknowledged);
  }, 300_000);
});
