import type { Redis } from 'ioredis';
import { TransientError } from '@penstock/core/failure';
import { readRedisAddress } from './redis-address.ts';
import { redisFactsOf } from './redis-facts.ts';
import { connectSentinels, mastersOf, nameOfMaster, type RedisClient } from './redis.ts';
import { askSentinel, replicasInCluster, replicasKnownToSentinels } from './replica-views.ts';

/** How many replicas of a master must have what is acknowledged. */
export interface Replicas extends Disposable {
  /** QUEUE_REPLICAS: fewer never suffice. */
  readonly least: number;
  /** Whether a replica may become the master without anybody's doing. */
  readonly takeOver: boolean;
  /** As it was within the last moments; asks where nobody has asked yet. */
  readonly wanted: (master: Redis) => Promise<number>;
  /** Asks now, by the masters' names; rejects where one does not answer. */
  readonly look: () => Promise<ReadonlyMap<string, number>>;
}

/** A replica that was lost and is back may be chosen again: so long it may still be taken for lost. */
const LOOK_MS = 500;

/**
 * Every replica that could take its master's place must have what is
 * acknowledged, for nobody knows which of them it will be, and `least` of them
 * in any case. Those count that the master serves, and those that sentinels or
 * the cluster take for alive: a replica that was promoted has left its former
 * master, which has yet to be told and goes on. One that is lost is not waited
 * for. Of a single server nobody can say who would take its place; there it is
 * `least`.
 */
export function watchReplicas(
  redis: RedisClient,
  { url, least }: { readonly url: string; readonly least: number },
): Replicas {
  const address = readRedisAddress(url);
  if (address.kind === 'single')
    return {
      least,
      takeOver: false,
      wanted: async () => least,
      look: async () => new Map(),
      [Symbol.dispose]: () => undefined,
    };
  const sentinels = address.kind === 'sentinel' ? connectSentinels(address) : [];
  const aliveOf = async (master: Redis): Promise<number | null> => {
    if (address.kind === 'cluster') return replicasInCluster(String(await master.cluster('NODES')));
    const views = await Promise.all(sentinels.map((sentinel) => askSentinel(sentinel, address.master)));
    return replicasKnownToSentinels(views.filter((view) => view !== null));
  };

  const known = new Map<string, number>();
  const lookAt = async (master: Redis): Promise<void> => {
    const name = nameOfMaster(master);
    const [info, alive] = await Promise.all([master.info('replication'), aliveOf(master)]);
    // Nobody to ask is no reason to wait for fewer.
    const count = alive ?? known.get(name);
    if (count !== undefined) known.set(name, Math.max(least, redisFactsOf(info).replicas, count));
  };
  let looking: Promise<unknown> | null = null;
  const look = async (): Promise<ReadonlyMap<string, number>> => {
    looking ??= Promise.all(mastersOf(redis).map(lookAt)).finally(() => (looking = null));
    await looking;
    return known;
  };
  let timer: NodeJS.Timeout | null = null;
  return {
    least,
    takeOver: true,
    look,
    wanted: async (master) => {
      timer ??= setInterval(() => void look().catch(() => undefined), LOOK_MS).unref();
      const name = nameOfMaster(master);
      if (!known.has(name)) await look();
      const count = known.get(name);
      if (count === undefined)
        throw new TransientError('queue_unavailable', 'no sentinel tells what replicas there are');
      return count;
    },
    [Symbol.dispose]: () => {
      if (timer !== null) clearInterval(timer);
      for (const sentinel of sentinels) sentinel.disconnect();
    },
  };
}
