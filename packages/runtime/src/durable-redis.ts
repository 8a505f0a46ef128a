import type { Redis } from 'ioredis';
import * as z from 'zod';
import { redisFactsOf } from './redis-facts.ts';
import { mastersOf, nameOfMaster, type RedisClient } from './redis.ts';
import type { Replicas } from './replicas.ts';

/** Redis answers, and would forget what it has acknowledged. */
export class ForgetfulQueueError extends Error {
  override name = 'ForgetfulQueueError';
}

/**
 * What an acknowledgement relies on, of every master: every write on disk
 * before Redis answers, and nothing evicted. Where a replica may take its
 * place by itself (sentinels, a cluster), the replicas that must have what is
 * acknowledged are connected. Throws naming each setting that is wrong and how
 * to mend it. Where CONFIG is forbidden (managed Redis), that is an error too:
 * an unproven promise is none.
 */
export async function assertDurable(redis: RedisClient, replicas: Replicas): Promise<void> {
  const masters = mastersOf(redis);
  if (masters.length === 0) throw new Error('Redis did not answer: no master of the cluster is known');
  const wanted = await replicas.look();
  const answers = await Promise.all(
    masters.map((master) => examine(master, { replicas, wanted: wanted.get(nameOfMaster(master)) })),
  );
  const forgetful = [...new Set(answers.flatMap((answer) => answer.forgetful))];
  if (forgetful.length > 0)
    throw new ForgetfulQueueError(`Redis may lose acknowledged events: ${forgetful.join('; ')}`);
  const missing = answers.flatMap((answer) => answer.missing);
  if (missing.length > 0) throw new Error(`Redis lacks replicas: ${missing.join('; ')}`);
}

async function examine(
  master: Redis,
  { replicas, wanted }: { readonly replicas: Replicas; readonly wanted: number | undefined },
): Promise<{ readonly forgetful: readonly string[]; readonly missing: readonly string[] }> {
  const forgetful: string[] = [];
  for (const [setting, needed] of Object.entries(durableSettings)) {
    const [, found] = z.array(z.string()).parse(await master.config('GET', setting));
    if (found !== needed)
      forgetful.push(
        `${setting} is ${found === undefined || found === '' ? 'unknown' : found}, must be ${needed} (CONFIG SET ${setting} ${needed})`,
      );
  }
  if (!replicas.takeOver) return { forgetful, missing: [] };
  const connected = redisFactsOf(await master.info('replication')).replicas;
  if (replicas.least === 0 && connected > 0)
    forgetful.push(
      'a replica that does not have them may take the place of its master, and QUEUE_REPLICAS is 0, must be 1 at least',
    );
  if (wanted !== undefined && connected >= wanted) return { forgetful, missing: [] };
  const must =
    wanted === undefined ? 'and no sentinel tells how many there are' : `must have ${wanted} (QUEUE_REPLICAS)`;
  return { forgetful, missing: [`${nameOfMaster(master)} has ${connected}, ${must}`] };
}

const durableSettings = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };
