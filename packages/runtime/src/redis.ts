import { once } from 'node:events';
import { Redis } from 'ioredis';
import * as z from 'zod';

/**
 * A connection for adding to the queue: it fails at once instead of waiting
 * for a Redis that is away, because a provider is waiting for the answer.
 */
export function connectProducer(url: string): Redis {
  return quiet(
    new Redis(url, {
      ...common,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      connectTimeout: 1_000,
      // Ten times what a provider's answer waits for: the connection is dead, and the next one may not be.
      socketTimeout: 2_000,
    }),
  );
}

/** A connection for workers: it waits for as long as Redis is away. */
export function connectConsumer(url: string): Redis {
  // BullMQ waits for a job for ten seconds at most before Redis answers that there is none.
  return quiet(new Redis(url, { ...common, maxRetriesPerRequest: null, socketTimeout: 15_000 }));
}

// A connection whose other end is gone without a word is found out by what was asked over it and is not answered: that
// is what socketTimeout measures.
const common = {
  // Reconnect within a second of Redis being back, without hammering it while it is away.
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
  // The handshake's INFO would hold commands back while Redis loads its AOF; a command then fails and is retried.
  enableReadyCheck: true,
};

/** An error event without a listener ends the process; readiness reports the outage instead. */
function quiet(redis: Redis): Redis {
  redis.on('error', () => undefined);
  return redis;
}

/** Resolves once the connection is ready; rejects where it is not within five seconds. */
export async function awaitReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(5_000) });
  } catch {
    throw new Error('Redis did not answer within 5 seconds');
  }
}

/** Redis answers, and would forget what it has acknowledged. */
export class ForgetfulQueueError extends Error {
  override name = 'ForgetfulQueueError';
}

/**
 * What an acknowledgement relies on: every write on disk before Redis answers,
 * and nothing evicted. Throws naming each setting that is wrong and how to
 * mend it. Where CONFIG is forbidden (managed Redis), that is an error too:
 * an unproven promise is none.
 */
export async function assertDurable(redis: Redis): Promise<void> {
  const problems: string[] = [];
  for (const [setting, wanted] of Object.entries(durableSettings)) {
    const [, found] = z.array(z.string()).parse(await redis.config('GET', setting));
    if (found !== wanted)
      problems.push(
        `${setting} is ${found === undefined || found === '' ? 'unknown' : found}, must be ${wanted} (CONFIG SET ${setting} ${wanted})`,
      );
  }
  if (problems.length > 0) throw new ForgetfulQueueError(`Redis may lose acknowledged events: ${problems.join('; ')}`);
}

const durableSettings = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };
