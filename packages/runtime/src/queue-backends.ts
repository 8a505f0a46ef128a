import {
  Queue,
  SchemaMigrationRequiredError,
  SchemaVersionMismatchError,
  createPostgresBackend,
  runMigrations,
  type KeepJobs,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
} from 'bullmq';
import { ConfigurationError, TransientError } from '@penstock/core/failure';
import { addJobsToPostgres } from './add-jobs-to-postgres.ts';
import { addJobsTogether, type AddJobs } from './add-jobs-together.ts';
import type { QueueLocation, RedisLocation } from './queue-location.ts';
import { oldestInPostgres, oldestInRedis } from './oldest-waiting.ts';
import { openQueuePool } from './queue-pool.ts';
import { keyPrefix } from './redis-address.ts';
import { redisFactsOf, worstOf, type RedisFacts } from './redis-facts.ts';
import { assertDurable } from './durable-redis.ts';
import { awaitReady, connectProducer, mastersOf, masterWith, type RedisClient } from './redis.ts';
import { watchReplicas, type Replicas } from './replicas.ts';
import { within } from './within.ts';

type RedisBullQueue = Queue<unknown, unknown>;
type PostgresBullQueue = Queue<
  unknown,
  unknown,
  string,
  unknown,
  unknown,
  string,
  PostgresQueueBackend,
  PostgresConnectionOptions
>;
/** BullMQ's own queue, for what this port does not wrap. */
export type BullQueue = RedisBullQueue | PostgresBullQueue;

/** What differs between the places a queue can live in. */
export interface QueueBackend {
  readonly bull: BullQueue;
  /** Finished jobs that are kept: enough to answer the usual quick repetition with `already processed`; the ledger knows for ever. */
  readonly completedKept: KeepJobs;
  /** Resolves once as many replicas as must (replicas.ts) have what was added. */
  readonly addJobs: AddJobs;
  /** Throws TransientError where a call would wait for a connection rather than fail. */
  readonly assertConnected: () => void;
  /** When the job was added that has waited longest, in whichever lane; null where none waits. */
  readonly oldestWaiting: () => Promise<Date | null>;
  /** Null where the queue is not in Redis. */
  readonly redisFacts: () => Promise<RedisFacts | null>;
  readonly connected: () => Promise<void>;
  readonly assertReady: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A connection to the Redis of a queue that fails at once while it is away, and what is known of its replicas. */
export interface QueueConnection extends Disposable {
  readonly redis: RedisClient;
  readonly replicas: Replicas;
}

/** Connects in the background. */
export function connectQueue({ url, replicas: least = 0 }: RedisLocation): QueueConnection {
  const redis = connectProducer(url);
  const replicas = watchReplicas(redis, { url, least });
  return {
    redis,
    replicas,
    [Symbol.dispose]: () => {
      replicas[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

/** The queue in Redis, over a connection of its own, or one that others use too. */
export function openRedisBackend(location: RedisLocation, shared?: QueueConnection): QueueBackend {
  const connection = shared ?? connectQueue(location);
  const { redis, replicas } = connection;
  const bull: RedisBullQueue = new Queue(location.name, { connection: redis, prefix: keyPrefix(location) });
  const add = addJobsTogether(redis, bull);
  const masterOfJobs = masterWith(bull.toKey(''), redis);
  return {
    bull,
    completedKept: { count: 1_000 },
    addJobs: async (jobs, options) => {
      const names = await add(jobs, options);
      const wanted = await replicas.wanted(await masterOfJobs());
      if (wanted === 0) return names;
      return readNames(redis, { keys: jobs.map(({ jobId }) => bull.toKey(jobId)), replicas: wanted });
    },
    // Until its first connection BullMQ queues calls up; nobody would be told for as long as Redis is away.
    assertConnected: () => {
      if (redis.status !== 'ready') throw new TransientError('queue_unavailable', 'Redis is not connected');
    },
    oldestWaiting: () => oldestInRedis(redis, (name) => bull.toKey(name)),
    redisFacts: async () =>
      worstOf(await Promise.all(mastersOf(redis).map(async (master) => redisFactsOf(await master.info())))),
    connected: () => awaitReady(redis),
    assertReady: () => assertDurable(redis, replicas),
    close: async () => {
      if (shared === undefined) connection[Symbol.dispose]();
    },
  };
}

/** How long replicas may take to say that they have it; the provider waits. */
const REPLICATION_MS = 150;

/**
 * Waits for replicas over the connection that added the jobs, and reads their
 * names again. Where the master has changed in between, the new one may not
 * have a job: then it is not queued, whatever the former one said.
 */
async function readNames(
  redis: RedisClient,
  { keys, replicas }: { readonly keys: readonly string[]; readonly replicas: number },
): Promise<readonly string[]> {
  const pipeline = redis.pipeline();
  pipeline.wait(replicas, REPLICATION_MS);
  for (const key of keys) pipeline.hget(key, 'name');
  const [reached, ...names] = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
  if (Number(reached) < replicas)
    throw new TransientError('queue_unavailable', `fewer than ${replicas} replicas have it`);
  return names.map((name) => {
    if (typeof name !== 'string') throw new TransientError('queue_unavailable', 'the master does not have it');
    return name;
  });
}

/** The queue in PostgreSQL, over a pool of its own. */
export function openPostgresBackend(location: QueueLocation): QueueBackend {
  const pool = openQueuePool({ url: location.url, max: 8, applicationName: 'penstock-queue' });
  const bull: PostgresBullQueue = new Queue(location.name, { connection: pool }, createPostgresBackend);
  const answers = async (): Promise<void> => {
    await bull.getJobCounts('waiting');
  };
  return {
    bull,
    // By age: where it keeps a number, BullMQ reads all that are kept, for every job that ends (with 1,000, most of its time).
    completedKept: { age: 60 },
    addJobs: addJobsToPostgres(pool, bull),
    assertConnected: () => undefined,
    oldestWaiting: () => oldestInPostgres(pool, location.name),
    redisFacts: async () => null,
    connected: () => refuseOlderSchema(bull),
    assertReady: answers,
    close: () => pool.end(),
  };
}

/** BullMQ checks its own tables when it connects; what it finds missing is the operator's to mend. */
async function refuseOlderSchema(bull: PostgresBullQueue): Promise<void> {
  try {
    await within(5_000, bull.waitUntilReady());
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError || error instanceof SchemaVersionMismatchError) {
      throw new ConfigurationError([
        'the queue\'s schema in PostgreSQL does not fit this version; run "pnpm migrate" first',
      ]);
    }
    throw error;
  }
}

/** Creates or upgrades the tables of the PostgreSQL backend; Redis needs none. */
export async function migrateQueue(location: QueueLocation): Promise<void> {
  if (location.backend === 'redis') return;
  const pool = openQueuePool({ url: location.url, max: 1, applicationName: 'penstock-migrate' });
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client);
    } finally {
      client.release();
    }
  } finally {
    await pool.end();
  }
}
