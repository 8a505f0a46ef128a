import { join } from 'node:path';
import { Queue } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { findRedisServer, startRedisServer } from '@penstock/local/redis-server';
import { temporaryDirectory } from '@penstock/local/testing';
import { addJobsTogether } from './add-jobs-together.ts';
import { awaitReady, connectProducer, type RedisClient } from './redis.ts';

/** The queue of one Redis, twice: filled by BullMQ's own `add`, and by the one script. */
async function twoQueues() {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await temporaryDirectory());
  const server = stack.adopt(await startRedisServer({ dir: join(home.path, 'redis') }), (started) => started.stop());
  const redis = stack.adopt(connectProducer(server.url), (connection) => connection.disconnect());
  await awaitReady(redis);
  const theirs = stack.adopt(new Queue('theirs', { connection: redis }), (queue) => queue.close());
  const ours = stack.adopt(new Queue('ours', { connection: redis }), (queue) => queue.close());
  await Promise.all([theirs.waitUntilReady(), ours.waitUntilReady()]);
  const disposal = stack.move();
  return { redis, theirs, ours, [Symbol.asyncDispose]: () => disposal.disposeAsync() };
}

/** Everything that Redis holds of a queue; times, and an id among a job's options, made alike. */
async function contentsOf(redis: RedisClient, queue: string): Promise<Readonly<Record<string, unknown>>> {
  const prefix = `bull:${queue}:`;
  const keys = (await redis.keys(`${prefix}*`)).toSorted();
  const told = await Promise.all(
    keys.map(async (key) => [key.slice(prefix.length), await valueOf(redis, key)] as const),
  );
  return Object.fromEntries(told);
}

async function valueOf(redis: RedisClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'hash': {
      const { timestamp, opts, ...fields } = await redis.hgetall(key);
      if (timestamp === undefined) return fields;
      const { jobId: _, ...options } = JSON.parse(opts ?? '{}');
      return { ...fields, options, isTimed: /^\d{13}$/.test(timestamp) };
    }
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return (await redis.xrange(key, '-', '+')).map(([, fields]) => fields);
    default:
      return redis.get(key);
  }
}

const jobs = ['a', 'b', 'a', 'c'].map((id, position) => ({
  jobId: `stripe.evt_${id}`,
  name: `charge.succeeded ${position}`,
  data: { v: 1, text: `é "quoted" \u0000 ${id}` },
}));

describe.runIf(findRedisServer() !== null)('jobs that are added by one script', () => {
  test.each([0, 10])('are what BullMQ adds one by one, at priority %i', async (priority) => {
    await using queues = await twoQueues();
    const { redis, theirs, ours } = queues;
    const options = { priority, attempts: 6, backoff: { type: 'penstock' }, removeOnComplete: { count: 9 } };
    for (const { name, data, jobId } of jobs) await theirs.add(name, data, { ...options, jobId });
    const names = await addJobsTogether(redis, ours)(jobs, options);
    // The third has the first one's id: it is not added, and the first one's name says so.
    expect(names).toEqual([0, 1, 0, 3].map((position) => `charge.succeeded ${position}`));
    expect(await contentsOf(redis, 'ours')).toEqual(await contentsOf(redis, 'theirs'));
  });

  test('are not acknowledged where the script fails', async () => {
    await using queues = await twoQueues();
    const { redis, ours } = queues;
    const add = addJobsTogether(redis, ours);
    await redis.set(ours.toKey('stripe.evt_c'), 'no hash');
    await expect(add(jobs, {})).rejects.toThrow(/WRONGTYPE/);
  });
});
