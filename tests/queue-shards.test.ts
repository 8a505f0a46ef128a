import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import { testRedisUrl } from '@penstock/local/test-services';
import { addByShard, shardOf } from '@penstock/runtime/queue-shards';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import { openWebhookQueue, type WebhookQueue } from '@penstock/runtime/webhook-queue';
import { aDelivery } from './harness/deliveries.ts';
import { until } from './harness/until.ts';

/** What several shards do beyond what every queue does (webhook-queue.test.ts). */
describe('shards', () => {
  const name = `shards-${randomUUID().slice(0, 8)}`;
  const open: WebhookQueue[] = [];
  afterEach(async () => {
    for (const queue of open.splice(0)) await queue[Symbol.asyncDispose]();
  });
  const queueOf = async (shards: number, queueName: string): Promise<WebhookQueue> => {
    const queue = openWebhookQueue({ backend: 'redis', url: testRedisUrl(), name: queueName, shards });
    open.push(queue);
    await queue.connected();
    return queue;
  };
  const consume = (shards: number, queueName: string, taken: string[]) =>
    consumeWebhooks({
      location: { backend: 'redis', url: testRedisUrl(), name: queueName, shards },
      concurrency: 4,
      lockMs: 5_000,
      attempt: async ({ jobId }) => {
        taken.push(jobId);
        return { kind: 'done', outcome: 'processed' };
      },
      onAbandoned: async () => undefined,
      onError: () => undefined,
    });

  test('ids as providers make them are spread evenly, and each always comes to the same', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let index = 0; index < 8_000; index += 1) {
      const id = `stripe.evt_${(1_000_000 + index).toString(36)}`;
      const shard = shardOf(id, 8);
      expect(shardOf(id, 8)).toBe(shard);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    for (const count of counts) expect(count).toBeGreaterThan(850);
    for (const count of counts) expect(count).toBeLessThan(1_150);
  });

  test('answers come in the order of the deliveries, whatever shards they went to', async () => {
    const turns = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    turns.at(-1)?.resolve();
    // The last shard answers first.
    const adds = turns.map((turn, shard) => async (part: readonly Delivery[]) => {
      await turn.promise;
      turns[shard - 1]?.resolve();
      return part.map(jobIdOf);
    });
    const deliveries = Array.from({ length: 40 }, () => aDelivery());
    expect(await addByShard<undefined, string>(adds)(deliveries, undefined)).toEqual(deliveries.map(jobIdOf));
  });

  test.each([
    ['more', 2, 5],
    ['fewer', 5, 2],
    ['from one to several', 1, 3],
  ])('%s shards while events wait: none is left behind, and none is unknown', async (_, before, after) => {
    const queueName = `${name}-${before}-${after}`;
    const old = await queueOf(before, queueName);
    const early = Array.from({ length: 30 }, () => aDelivery());
    await old.add(early);
    // The worker knows the former number only, as in the middle of a deployment.
    const taken: string[] = [];
    const now = await queueOf(after, queueName);
    const late = Array.from({ length: 30 }, () => aDelivery());
    await now.add(late);
    expect(await now.counts()).toMatchObject({ waiting: 60 });
    expect(await old.counts()).toMatchObject({ waiting: 60 });
    for (const delivery of [...early, ...late]) expect(await now.placeOf(jobIdOf(delivery))).toBe('waiting');
    // What waits in a former shard is not made twice.
    for (const delivery of early) await now.recreate(delivery);
    expect(await now.counts()).toMatchObject({ waiting: 60 });
    expect(now.bulls()).toHaveLength(Math.max(before, after));
    await using _consumer = consume(before, queueName, taken);
    await until(() => taken.length >= 60, { what: 'every event to be taken' });
    expect(taken.toSorted()).toEqual([...early, ...late].map(jobIdOf).toSorted());
  });

  test('a worker that runs already reads shards that appear under it', async () => {
    const queueName = `${name}-appear`;
    const taken: string[] = [];
    await using consumer = consume(1, queueName, taken);
    await consumer.ready();
    const queue = await queueOf(4, queueName);
    const deliveries = Array.from({ length: 20 }, () => aDelivery());
    await queue.add(deliveries);
    await until(() => taken.length === 20, { what: 'every event to be taken' });
  });
});
