import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import * as z from 'zod';
import { readRedisAddress, type RedisAddress } from './redis-address.ts';
import { redisFactsOf } from './redis-facts.ts';

/** A connection to Redis, or Valkey, however it is laid out. */
export type RedisClient = Redis | Cluster;

/**
 * A connection for adding to the queue: it fails at once instead of waiting
 * for a Redis that is away, because a provider is waiting for the answer.
 */
export function connectProducer(url: string): RedisClient {
  return connect(readRedisAddress(url), {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 1_000,
    // Ten times what a provider's answer waits for: the connection is dead, and the next one may not be.
    socketTimeout: 2_000,
  });
}

/** A connection for workers: it waits for as long as Redis is away. */
export function connectConsumer(url: string): RedisClient {
  return connect(readRedisAddress(url), {
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    // BullMQ waits for a job for ten seconds at most before Redis answers that there is none.
    socketTimeout: 15_000,
  });
}

// A connection whose other end is gone without a word is found out by what was asked over it and is not answered: that
// is what socketTimeout measures.
type Patience = Required<
  Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'connectTimeout' | 'socketTimeout'>
>;

/** Reconnect within a second of Redis being back, without hammering it while it is away. */
const reconnectDelay = (attempt: number): number => Math.min(50 * attempt, 1_000);

function connect(address: RedisAddress, patience: Patience): RedisClient {
  const { tls } = address;
  const common = { ...address.login, ...(tls === null ? {} : { tls }) };
  const { enableOfflineQueue, ...nodePatience } = patience;
  switch (address.kind) {
    case 'single':
      return quiet(new Redis({ ...common, ...patience, ...standing, ...address.node, db: address.db }));
    case 'sentinel': {
      const { username, password } = address.sentinelLogin;
      return quiet(
        new Redis({
          ...common,
          ...patience,
          ...standing,
          db: address.db,
          sentinels: [...address.sentinels],
          name: address.master,
          role: 'master',
          ...(username === undefined ? {} : { sentinelUsername: username }),
          ...(password === undefined ? {} : { sentinelPassword: password }),
          ...(tls === null ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
          // No failoverDetector: one that speaks up while ioredis 6 connects anew ends the connection for ever. Sentinels
          // close a former master's connections when they make it a replica.
          sentinelRetryStrategy: reconnectDelay,
          // One that hangs is passed over.
          sentinelCommandTimeout: 1_000,
        }),
      );
    }
    case 'cluster':
      return quiet(
        new Cluster([...address.nodes], {
          enableOfflineQueue,
          enableReadyCheck: true,
          clusterRetryStrategy: reconnectDelay,
          // A node that is away is asked for again at once: whoever waits for it has a deadline of his own.
          retryDelayOnFailover: 50,
          retryDelayOnClusterDown: 50,
          maxRedirections: 8,
          slotsRefreshTimeout: 2_000,
          // Certificates are issued for names, and ioredis would look the address up and forget the name.
          ...(tls === null ? {} : { dnsLookup: (name, found) => found(null, name) }),
          redisOptions: { ...common, ...nodePatience },
        }),
      );
  }
}

const standing = {
  retryStrategy: reconnectDelay,
  // The handshake's INFO would hold commands back while Redis loads its AOF; a command then fails and is retried.
  enableReadyCheck: true,
  // A master that has become a replica under our feet: connect anew, which leads to the new one, and send it there.
  reconnectOnError: (error: Error): 2 | false => (error.message.includes('READONLY') ? 2 : false),
};

/** Those that take writes, one after the other in a cluster. */
export function mastersOf(redis: RedisClient): readonly Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}

/** An error event without a listener ends the process; readiness reports the outage instead. */
function quiet<Client extends RedisClient>(redis: Client): Client {
  redis.on('error', () => undefined);
  return redis;
}

/** Resolves once the connection is ready; rejects where it is not within five seconds. */
export async function awaitReady(redis: RedisClient): Promise<void> {
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
 * What an acknowledgement relies on, of every master: every write on disk
 * before Redis answers, and nothing evicted. Where a replica may take its
 * place by itself (sentinels, a cluster), `replicas` must have what is
 * acknowledged, and be connected. Throws naming each setting that is wrong and
 * how to mend it. Where CONFIG is forbidden (managed Redis), that is an error
 * too: an unproven promise is none.
 */
export async function assertDurable(redis: RedisClient, { replicas }: { readonly replicas: number }): Promise<void> {
  const masters = mastersOf(redis);
  if (masters.length === 0) throw new Error('Redis did not answer: no master of the cluster is known');
  const answers = await Promise.all(
    masters.map((master) => examine(master, { replicas, replaceable: isReplaceable(redis) })),
  );
  const forgetful = [...new Set(answers.flatMap((answer) => answer.forgetful))];
  if (forgetful.length > 0)
    throw new ForgetfulQueueError(`Redis may lose acknowledged events: ${forgetful.join('; ')}`);
  const missing = answers.flatMap((answer) => answer.missing);
  if (missing.length > 0) throw new Error(`Redis lacks replicas: ${missing.join('; ')}`);
}

/** Whether a replica may become the master without anybody's doing. */
function isReplaceable(redis: RedisClient): boolean {
  return redis instanceof Cluster || (redis.options.sentinels ?? null) !== null;
}

async function examine(
  master: Redis,
  { replicas, replaceable }: { readonly replicas: number; readonly replaceable: boolean },
): Promise<{ readonly forgetful: readonly string[]; readonly missing: readonly string[] }> {
  const forgetful: string[] = [];
  for (const [setting, wanted] of Object.entries(durableSettings)) {
    const [, found] = z.array(z.string()).parse(await master.config('GET', setting));
    if (found !== wanted)
      forgetful.push(
        `${setting} is ${found === undefined || found === '' ? 'unknown' : found}, must be ${wanted} (CONFIG SET ${setting} ${wanted})`,
      );
  }
  if (!replaceable) return { forgetful, missing: [] };
  const connected = redisFactsOf(await master.info('replication')).replicas;
  if (replicas === 0 && connected > 0)
    forgetful.push(
      'a replica that does not have them may take the place of its master, and QUEUE_REPLICAS is 0, must be 1 at least',
    );
  if (connected >= replicas) return { forgetful, missing: [] };
  const { name, host, port } = master.options;
  const who = name ?? `${host}:${port}`;
  return { forgetful, missing: [`${who} has ${connected}, must have ${replicas} (QUEUE_REPLICAS)`] };
}

const durableSettings = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' };
