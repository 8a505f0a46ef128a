import { ConfigurationError } from '@penstock/core/failure';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { readRedisAddress } from './redis-address.ts';

/** Where the queue lives: Redis in production, PostgreSQL on one machine. */
export type QueueLocation =
  | ({
      readonly backend: 'redis';
      readonly url: string;
      readonly name: string;
      /** Replicas that have an event before its `add` resolves, at least (replicas.ts); 0 unless given. */
      readonly replicas?: number;
      /** Queues that it consists of, see queue-shards.ts; 1 unless given. */
      readonly shards?: number;
    } & Sealing)
  | ({ readonly backend: 'postgres'; readonly url: string; readonly name: string } & Sealing);

interface Sealing {
  /** What bodies are sealed with on their way through it; without them they are readable there. */
  readonly payloadKeys?: PayloadKeys | undefined;
}

export type RedisLocation = Extract<QueueLocation, { readonly backend: 'redis' }>;

/**
 * Names exactly one queue. Throws ConfigurationError where none or two are
 * given, or the address of Redis cannot be read.
 */
export function queueLocation(settings: {
  readonly redisUrl: string | undefined;
  readonly queueDatabaseUrl: string | undefined;
  readonly queueName: string;
  readonly queueReplicas: number | undefined;
  readonly queueShards: number;
  readonly payloadKeys: PayloadKeys | undefined;
}): QueueLocation {
  const { redisUrl, queueDatabaseUrl, queueName: name, queueReplicas, queueShards: shards, payloadKeys } = settings;
  if (redisUrl !== undefined && queueDatabaseUrl !== undefined)
    throw new ConfigurationError([
      'REDIS_URL and QUEUE_DATABASE_URL are both set; the queue can live in one place only',
    ]);
  if (redisUrl !== undefined) {
    // One where a replica may take its master's place by itself: it has to have what was acknowledged.
    const usualReplicas = readRedisAddress(redisUrl).kind === 'single' ? 0 : 1;
    return {
      backend: 'redis',
      url: redisUrl,
      name,
      replicas: queueReplicas ?? usualReplicas,
      shards,
      payloadKeys,
    };
  }
  if (queueDatabaseUrl !== undefined && shards > 1)
    throw new ConfigurationError([`QUEUE_SHARDS is ${shards}, and a queue in PostgreSQL has no shards`]);
  if (queueDatabaseUrl !== undefined) return { backend: 'postgres', url: queueDatabaseUrl, name, payloadKeys };
  throw new ConfigurationError([
    'REDIS_URL is missing (Redis that holds the queue), and so is QUEUE_DATABASE_URL, which may stand in for it',
  ]);
}
