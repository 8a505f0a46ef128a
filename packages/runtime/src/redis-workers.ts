import type { Worker } from 'bullmq';
import type { RedisLocation } from './queue-location.ts';
import { announceShards, shardLocation } from './queue-shards.ts';
import { connectConsumer, type RedisClient } from './redis.ts';

/** Somebody who adds to a new shard says so first; this long after at most it is read. */
const LOOK_MS = 2_000;

/** What takes jobs from a queue, wherever it is. */
export interface QueueWorkers {
  readonly ready: () => Promise<void>;
  /** Stops the intake and waits for the jobs in hand. */
  readonly close: () => Promise<void>;
}

/**
 * One of BullMQ's workers for each shard of a queue, those included that
 * another process adds to, or once did. Together they have so many jobs in
 * hand as `concurrency` says, or one each.
 */
export function openRedisWorkers(
  location: RedisLocation,
  options: {
    readonly concurrency: number;
    readonly start: (
      shard: RedisLocation,
      connected: { readonly redis: RedisClient; readonly concurrency: number },
    ) => Worker<unknown, string>;
    readonly onError: (error: Error) => void;
  },
): QueueWorkers {
  const redis = connectConsumer(location.url);
  const workers: Worker<unknown, string>[] = [];
  let isClosing = false;
  const look = async (): Promise<void> => {
    const known = await announceShards(redis, location);
    if (isClosing) return;
    const concurrency = Math.max(1, Math.floor(options.concurrency / known));
    for (const worker of workers) worker.concurrency = concurrency;
    while (workers.length < known)
      workers.push(options.start(shardLocation(location, workers.length), { redis, concurrency }));
  };
  let timer: NodeJS.Timeout | undefined;
  const lookOn = async (): Promise<void> => {
    await look().catch((error: unknown) => {
      if (!isClosing) options.onError(error instanceof Error ? error : new Error(String(error)));
    });
    if (!isClosing) timer = setTimeout(() => void lookOn(), LOOK_MS);
  };
  const looking = lookOn();

  return {
    ready: async () => {
      await looking;
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    close: async () => {
      isClosing = true;
      clearTimeout(timer);
      await Promise.all(workers.map((worker) => worker.close()));
      redis.disconnect();
    },
  };
}
