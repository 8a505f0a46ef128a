import { jobIdOf } from '@penstock/core/delivery';
import { TransientError } from '@penstock/core/failure';
import { connectQueue, type QueueConnection } from './queue-backends.ts';
import type { RedisLocation } from './queue-location.ts';
import { addByShard, announceShards, shardLocation, shardOf } from './queue-shards.ts';
import { awaitReady } from './redis.ts';
import type { FailedJob, QueueCounts, WebhookQueue } from './webhook-queue.ts';

type Shards = readonly [WebhookQueue, ...WebhookQueue[]];

/**
 * A queue of one or several shards, over one connection. Events are added to
 * as many as the location has; looked at are those too that were once added
 * to, or that another process adds to already.
 */
export function openInShards(
  location: RedisLocation,
  openShard: (location: RedisLocation, connection: QueueConnection) => WebhookQueue,
): WebhookQueue {
  const connection = connectQueue(location);
  const { redis } = connection;
  const { shards: count = 1 } = location;
  const openNumber = (shard: number): WebhookQueue => openShard(shardLocation(location, shard), connection);
  const homes: Shards = [openNumber(0), ...Array.from({ length: count - 1 }, (_, index) => openNumber(index + 1))];
  const known: [WebhookQueue, ...WebhookQueue[]] = [...homes];
  // Every worker reads the first. Of the others it has to be told before anything is in them.
  let announced = count === 1;
  const look = async (): Promise<Shards> => {
    const ever = await announceShards(redis, location);
    announced = true;
    while (known.length < ever) known.push(openNumber(known.length));
    return known;
  };
  // A Redis that was away may be another one, that knows nothing.
  redis.on('ready', () => void look().catch(() => undefined));

  const addToHomes = addByShard(homes.map((home) => home.add));
  /** The shard that has the job, or the one where it belongs. */
  const holderOf = async (jobId: string): Promise<WebhookQueue> => {
    const home = homes[shardOf(jobId, homes.length)] ?? homes[0];
    for (const shard of known.length === 1 ? [] : [home, ...known])
      if ((await shard.placeOf(jobId)) !== 'missing') return shard;
    return home;
  };

  return {
    location,
    bulls: () => {
      const [first, ...others] = known;
      return [first.bulls()[0], ...others.flatMap((shard) => shard.bulls())];
    },
    add: async (deliveries, options = {}) => {
      if (!announced) throw new TransientError('queue_unavailable', 'its shards are not made known yet');
      return addToHomes(deliveries, options);
    },
    recreate: async (delivery, options) => (await holderOf(jobIdOf(delivery))).recreate(delivery, options),
    bury: async (delivery) => (await holderOf(jobIdOf(delivery))).bury(delivery),
    forgetFailed: async (jobId) => (await holderOf(jobId)).forgetFailed(jobId),
    placeOf: async (jobId) => (await holderOf(jobId)).placeOf(jobId),
    counts: async () => sumOf(await Promise.all((await look()).map((shard) => shard.counts()))),
    oldestWaiting: async () => earliestOf(await Promise.all((await look()).map((shard) => shard.oldestWaiting()))),
    failedJobs: async ({ from, count: wanted }) => {
      const newest = await Promise.all(
        (await look()).map((shard) => shard.failedJobs({ from: 0, count: from + wanted })),
      );
      return newest
        .flat()
        .toSorted(laterFirst)
        .slice(from, from + wanted);
    },
    redisFacts: homes[0].redisFacts,
    connected: async () => {
      await awaitReady(redis);
      await look();
    },
    assertReady: homes[0].assertReady,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(known.map((shard) => shard[Symbol.asyncDispose]()));
      connection[Symbol.dispose]();
    },
  };
}

function sumOf(counts: readonly QueueCounts[]): QueueCounts {
  return counts.reduce((sum, count) => ({
    waiting: sum.waiting + count.waiting,
    active: sum.active + count.active,
    delayed: sum.delayed + count.delayed,
    completed: sum.completed + count.completed,
    failed: sum.failed + count.failed,
  }));
}

function earliestOf(times: readonly (Date | null)[]): Date | null {
  return times.filter((time) => time !== null).toSorted((a, b) => a.getTime() - b.getTime())[0] ?? null;
}

function laterFirst(a: FailedJob, b: FailedJob): number {
  return (b.finishedAt?.getTime() ?? 0) - (a.finishedAt?.getTime() ?? 0);
}
