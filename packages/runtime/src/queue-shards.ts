import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { RedisLocation } from './queue-location.ts';
import { keyPrefix } from './redis-address.ts';
import type { RedisClient } from './redis.ts';

/** Each takes a connection of every worker, and a cluster of so many masters has other worries. */
export const SHARDS_MAX = 64;

/** A shard as a queue of its own. The first has the queue's name: a queue without shards is one with one. */
export function shardLocation(location: RedisLocation, shard: number): RedisLocation {
  // A dot, which no QUEUE_NAME holds: it cannot be somebody else's queue.
  return { ...location, name: shard === 0 ? location.name : `${location.name}.${shard}`, shards: 1 };
}

/**
 * Which of so many shards a job belongs to, by its id alone: a repetition comes
 * to where the first one is. FNV-1a, whose upper bits are folded into the lower,
 * spreads ids that differ in their last characters.
 * Source: draft-eastlake-fnv, 32 bits.
 */
export function shardOf(jobId: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < jobId.length; index += 1) hash = Math.imul(hash ^ jobId.charCodeAt(index), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % shards;
}

type Add<Options, Standing> = (deliveries: readonly Delivery[], options: Options) => Promise<readonly Standing[]>;

/**
 * Adds each delivery by the `add` of its shard, and answers in their order.
 * Where one of a request's shards refuses, the request is refused; what the
 * others took is a repetition when it is sent again.
 */
export function addByShard<Options, Standing>(adds: readonly Add<Options, Standing>[]): Add<Options, Standing> {
  const [only, ...others] = adds;
  if (only === undefined) throw new RangeError('a queue has one shard at least');
  if (others.length === 0) return only;
  return async (deliveries, options) => {
    const parts = new Map<number, number[]>();
    for (const [position, delivery] of deliveries.entries()) {
      const shard = shardOf(jobIdOf(delivery), adds.length);
      parts.set(shard, [...(parts.get(shard) ?? []), position]);
    }
    const standings = new Map<number, Standing>();
    await Promise.all(
      [...parts].map(async ([shard, positions]) => {
        const part = positions.flatMap((position) => deliveries[position] ?? []);
        const found = await (adds[shard] ?? only)(part, options);
        for (const [index, standing] of found.entries()) standings.set(positions[index] ?? -1, standing);
      }),
    );
    return deliveries.flatMap((_, position) => standings.get(position) ?? []);
  };
}

/**
 * Says that there are so many shards, and tells how many there have ever been:
 * workers read all of those, so that nothing is left behind in one that is no
 * longer added to. Needs Redis 6.2.
 */
export async function announceShards(redis: RedisClient, location: RedisLocation): Promise<number> {
  const key = `${keyPrefix(location)}:${location.name}:shards`;
  const { shards = 1 } = location;
  await redis.zadd(key, 'GT', shards, 'known');
  const known = Number(await redis.zscore(key, 'known'));
  return Math.min(Math.max(shards, known), SHARDS_MAX);
}
