import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runConsole } from '@penstock/console/testing/run-console';
import { findRedisServer } from '@penstock/local/redis-server';
import { testRunDir } from '@penstock/local/test-services';
import { shardOf } from '@penstock/runtime/queue-shards';
import { isReplica, startRedisCluster, type LayoutNode } from './harness/redis-layouts.ts';
import type { TestProcess } from './harness/process.ts';
import { expectAppliedOnce, moreAcknowledged, startSteadyProvider } from './harness/steady-provider.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

const SHARDS = 5;

/** Ingest and a worker with five shards on a Redis Cluster of three masters without replicas, as production accepts it. */
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
        QUEUE_SHARDS: String(SHARDS),
        NODE_ENV: 'production',
        PENSTOCK_CONFIG: 'tests/harness/counting.test.config.ts',
      }),
    );
    ingest = resources.use(await system.startIngest());
    resources.use(await system.startWorker());
  }, 180_000);
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
  }, 300_000);

  test('while one master is away, the shards of the others take events and give them to the worker', async () => {
    const last = cluster.nodes.at(-1);
    const shardsOfTheLast = new Set<number>();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const name = shard === 0 ? 'webhooks' : `webhooks.${shard}`;
      const slot = await last?.ask((redis) => redis.cluster('KEYSLOT', `bull:{${name}}:`));
      // The third master of three has the last third of them.
      if (Number(slot) >= Math.ceil((16_384 * 2) / 3)) shardsOfTheLast.add(shard);
    }
    expect(shardsOfTheLast.size).toBeGreaterThan(0);
    await last?.kill();
    const events = Array.from({ length: 40 }, () => aStripeEvent());
    const answers = await Promise.all(
      events.map(async ({ id, body }) => ({ id, status: (await postStripe(ingest, body)).status })),
    );
    const isAway = (id: string): boolean => shardsOfTheLast.has(shardOf(`stripe.${id}`, SHARDS));
    expect(answers).toEqual(events.map(({ id }) => ({ id, status: isAway(id) ? 503 : 200 })));
    const taken = answers.filter(({ status }) => status === 200).map(({ id }) => id);
    await expectAppliedOnce(system, taken);
    await last?.restart();
    for (const { body } of events)
      await until(async () => (await postStripe(ingest, body)).status === 200, { what: 'the event to be taken' });
    await expectAppliedOnce(
      system,
      events.map(({ id }) => id),
    );
  }, 180_000);

  test('the console shows each shard, and the sum of them', async () => {
    await using console = await runConsole({ environment: system.environment });
    const cookie = await console.logIn();
    const board = await console.ask('/queues/api/queues', { cookie });
    expect(await board.json()).toMatchObject({
      queues: ['webhooks', 'webhooks.1', 'webhooks.2', 'webhooks.3', 'webhooks.4', 'webhooks-outbox'].map((name) => ({
        name,
      })),
    });
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from ledger`.execute(system.db);
    await until(
      async () => {
        const metrics = await fetch(`${console.healthOrigin}/metrics`).then((answer) => answer.text());
        const completed = /^penstock_queue_jobs\{state="completed",.*\} (?<count>\d+)$/m.exec(metrics)?.groups?.[
          'count'
        ];
        return Number(completed) === rows[0]?.count;
      },
      { what: 'the metric to have every event' },
    );
  });

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

/** The same, with a replica of each master, and with the settings as they are by default. */
describe.runIf(findRedisServer() !== null)('on a Redis Cluster with replicas', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let system: TestSystem;
  let ingest: TestIngest;
  let worker: TestProcess;
  const resources = new AsyncDisposableStack();

  beforeAll(async () => {
    cluster = resources.use(await startRedisCluster(join(testRunDir(), 'redis-cluster-replicas'), { replicas: 1 }));
    system = resources.use(
      await createTestSystem('redis', {
        REDIS_URL: cluster.url,
        QUEUE_NAME: 'webhooks',
        QUEUE_SHARDS: String(SHARDS),
        NODE_ENV: 'production',
        PENSTOCK_CONFIG: 'tests/harness/counting.test.config.ts',
      }),
    );
    ingest = resources.use(await system.startIngest());
    worker = resources.use(await system.startWorker());
  }, 60_000);
  afterAll(() => resources.disposeAsync());

  test('a master dies under load, ahead of its replica, which takes its place: what was acknowledged is applied once', async () => {
    const [master, , , replica] = cluster.nodes;
    if (master === undefined || replica === undefined) throw new Error('the cluster has too few nodes');
    // What waits is in Redis alone.
    worker.kill('SIGSTOP');
    await using provider = startSteadyProvider(ingest);
    await moreAcknowledged(provider, 50);
    replica.signal('SIGSTOP');
    try {
      await fillTheWayToReplicas(master);
      const before = provider.acknowledged.length;
      await until(() => provider.refused() > 0 || provider.acknowledged.length > before + 100, {
        what: 'events that the replica does not have',
      });
      await master.kill();
    } finally {
      replica.signal('SIGCONT');
    }
    await until(async () => !(await isReplica(replica)), { what: 'the replica to be the master', deadlineMs: 30_000 });
    // Events of its shards are taken again once the former master follows it.
    await master.restart();
    await moreAcknowledged(provider, 50);
    await provider.stop();
    worker.kill('SIGCONT');
    expect(provider.refused()).toBeGreaterThan(0);
    await expectAppliedOnce(system, provider.acknowledged);
  }, 120_000);
});

/** More than the sockets to a replica that does not read hold: what comes after it is with the master alone. */
async function fillTheWayToReplicas(master: LayoutNode): Promise<void> {
  await master.ask(async (redis) => {
    let isMine = false;
    for (let number = 0; !isMine; number += 1)
      isMine = await redis.set(`filler-${number}`, 'x'.repeat(32 * 1024 * 1024)).then(
        () => true,
        () => false,
      );
  });
}
