import { once } from 'node:events';
import { Redis } from 'ioredis';
import * as z from 'zod';

/**
 * A connection for adding to the queue: it fails at once instead of waiting
 * for a Redis that is away, because a provider is waiting for the answer.
 */
export function connectProducer(url: string): Redis {
  return quiet(
    new Redis(url, { ...common, enableOfflineQueue: false, maxRetriesPerRequest: 1, connectTimeout: 1_000 }),
  );
}

/** A connection for workers: it waits for as long as Redis is away. */
export function connectConsumer(url: string): Redis {
  return quiet(new Redis(url, { ...common, maxRetriesPerRequest: null }));
}

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
  if (problems.length > 0) throw new Error(`Redis may lose acknowledged events: ${problems.join('; ')}`);
}

const durableSettings = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };
