import type { Worker } from 'bullmq';
import { TransientError } from '@penstock/core/failure';
import type { RedisLocation } from './queue-location.ts';
import { announceShards, shardLocation } from './queue-shards.ts';
import { connectConsumer, mastersOf, type RedisClient } from './redis.ts';
import { within } from './within.ts';

/** Somebody who adds to a new shard says so first; this long after at most it is read. */
const LOOK_MS = 2_000;

/** What takes jobs from a queue, wherever it is. */
export interface QueueWorkers {
  readonly ready: () => Promise<void>;
  /** From now on so many jobs may be in hand. */
  readonly setConcurrency: (concurrency: number) => void;
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
  let total = options.concurrency;
  const concurrencyOf = (known: number): number => Math.max(1, Math.floor(total / known));
  const look = async (): Promise<void> => {
    const known = await announceShards(redis, location);
    if (isClosing) return;
    const concurrency = concurrencyOf(known);
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
    setConcurrency: (concurrency) => {
      total = concurrency;
      for (const worker of workers) worker.concurrency = concurrencyOf(workers.length);
    },
    close: async () => {
      isClosing = true;
      clearTimeout(timer);
      const closed = Promise.all(workers.map((worker) => worker.close()));
      await Promise.race([closed, connectAnewWhereSilent(redis)]);
      await closed;
      redis.disconnect();
    },
  };
}

/** A connection that is well answers at once; a stop takes eight seconds at most, unless it is told otherwise (SHUTDOWN_MS). */
const SILENCE_MS = 2_000;

/**
 * Gives up at once what would be given up after fifteen seconds (redis.ts):
 * the jobs in hand are then ended over a new connection, where there is one to
 * be had, and not left for another worker to find.
 */
async function connectAnewWhereSilent(redis: RedisClient): Promise<void> {
  await Promise.all(
    mastersOf(redis).map((master) =>
      within(SILENCE_MS, master.ping()).catch((error: unknown) => {
        // Anything else is said by the connection itself, which then knows that it is gone.
        if (error instanceof TransientError) master.disconnect(true);
      }),
    ),
  );
}
