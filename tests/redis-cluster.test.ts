import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { startRedisCluster } from './harness/redis-layouts.ts';
import { expectAppliedOnce, moreAcknowledged, startSteadyProvider } from './harness/steady-provider.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

/** Ingest and a worker on a Redis Cluster of three masters without replicas, as production accepts it. */
// Where Redis comes in a container there is no server of ours to make a cluster of.
describe.runIf(findRedisServer() !== null)('on a Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let system: TestSystem;
  let ingest: TestIngest;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    cluster = resources.use(await startRedisCluster(join(testRunDir(), 'redis-cluster')));
    system = resources.use(
      await createTestSystem('redis', {
        REDIS_URL: cluster.url,
        QUEUE_NAME: 'webhooks',
        QUEUE_REPLICAS: '0',
        NODE_ENV: 'production',
        PENSTOCK_CONFIG: 'tests/harness/counting.test.config.ts',
      }),
    );
    ingest = resources.use(await system.startIngest());
    resources.use(await system.startWorker());
  }, 60_000);
  afterAll(() => resources.disposeAsync());

  test('an event is accepted and processed, and a repetition is told', async () => {
    const event = aStripeEvent();
    expect(await postStripe(ingest, event.body)).toMatchObject({ status: 200, json: { status: 'accepted' } });
    await expectAppliedOnce(system, [event.id]);
    await until(async () => (await postStripe(ingest, event.body)).json['detail'] === 'already processed', {
      what: 'the repetition to be told',
    });
  });

  test('each master dies in turn, and comes back: what was acknowledged is applied once', async () => {
    await using provider = startSteadyProvider(ingest);
    for (const node of cluster.nodes) {
      await moreAcknowledged(provider, 20);
      await node.kill();
      await node.restart();
    }
    await moreAcknowledged(provider, 20);
    await provider.stop();
    expect(provider.refused()).toBeGreaterThan(0);
    await expectAppliedOnce(system, provider.acknowledged);
  }, 120_000);

  test('a master that would forget is found among them', async () => {
    await using more = new AsyncDisposableStack();
    const [first] = cluster.nodes;
    await first?.ask((redis) => redis.config('SET', 'appendfsync', 'everysec'));
    more.defer(async () => void (await first?.ask((redis) => redis.config('SET', 'appendfsync', 'always'))));
    const { status, body } = await fetch(`${ingest.healthUrl}/ready`).then(async (answer) => ({
      status: answer.status,
      body: await answer.text(),
    }));
    expect(status).toBe(503);
    expect(body).toContain('appendfsync is everysec, must be always');
  });
});
