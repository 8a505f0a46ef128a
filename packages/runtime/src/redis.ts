import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import * as z from 'zod';
import { TransientError } from '@penstock/core/failure';
import { readRedisAddress, type RedisAddress } from './redis-address.ts';

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

/** The master that has a key, and all that share its slot. */
export function masterWith(key: string, redis: RedisClient): () => Promise<Redis> {
  if (!(redis instanceof Cluster)) return async () => redis;
  let slot: number | null = null;
  return async () => {
    slot ??= z.number().parse(await redis.cluster('KEYSLOT', key));
    const [name] = redis.slots[slot] ?? [];
    const master = mastersOf(redis).find((node) => nameOfMaster(node) === name);
    if (master === undefined) throw new TransientError('queue_unavailable', 'no master of the cluster has its slot');
    return master;
  };
}

/** What a master is called in messages: by sentinels, or by its address. */
export function nameOfMaster({ options }: Redis): string {
  return options.name ?? `${options.host}:${options.port}`;
}

/** A connection to each of the sentinels; one that is away answers with an error in time. */
export function connectSentinels({ sentinels, sentinelLogin, tls }: SentinelAddress): readonly Redis[] {
  return sentinels.map((node) =>
    quiet(
      new Redis({
        ...sentinelLogin,
        ...(tls === null ? {} : { tls }),
        ...node,
        lazyConnect: true,
        connectTimeout: 1_000,
        commandTimeout: 1_000,
        maxRetriesPerRequest: 1,
        retryStrategy: reconnectDelay,
        enableReadyCheck: false,
      }),
    ),
  );
}

type SentinelAddress = Extract<RedisAddress, { readonly kind: 'sentinel' }>;

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
