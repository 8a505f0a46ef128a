import {
  Queue,
  SchemaMigrationRequiredError,
  SchemaVersionMismatchError,
  createPostgresBackend,
  runMigrations,
  type JobState,
  type JobsOptions,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
} from 'bullmq';
import type { Redis } from 'ioredis';
import { contestedJobIdOf, jobIdOf, type Delivery } from '@penstock/core/delivery';
import { ConfigurationError, TransientError } from '@penstock/core/failure';
import type { QueueStanding } from '@penstock/core/outcome';
import { RETRIES_MAX } from '@penstock/core/retry-policy';
import { openQueuePool } from './queue-pool.ts';
import { assertDurable, awaitReady, connectProducer } from './redis.ts';
import { within } from './within.ts';

/** Where the queue lives: Redis in production, PostgreSQL on one machine. */
export type QueueLocation =
  | { readonly backend: 'redis'; readonly url: string; readonly name: string }
  | { readonly backend: 'postgres'; readonly url: string; readonly name: string };

/** Names exactly one queue. Throws ConfigurationError where none or two are given. */
export function queueLocation(settings: {
  readonly redisUrl: string | undefined;
  readonly queueDatabaseUrl: string | undefined;
  readonly queueName: string;
}): QueueLocation {
  const { redisUrl, queueDatabaseUrl, queueName: name } = settings;
  if (redisUrl !== undefined && queueDatabaseUrl !== undefined)
    throw new ConfigurationError([
      'REDIS_URL and QUEUE_DATABASE_URL are both set; the queue can live in one place only',
    ]);
  if (redisUrl !== undefined) return { backend: 'redis', url: redisUrl, name };
  if (queueDatabaseUrl !== undefined) return { backend: 'postgres', url: queueDatabaseUrl, name };
  throw new ConfigurationError([
    'REDIS_URL is missing (Redis that holds the queue), and so is QUEUE_DATABASE_URL, which may stand in for it',
  ]);
}

/** A job's place in the queue; `missing` where the queue does not know the id. */
export type JobPlace = 'missing' | 'waiting' | 'active' | 'delayed' | 'completed' | 'failed';

export const queueStates = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;
export type QueueCounts = Readonly<Record<(typeof queueStates)[number], number>>;

/** A job of the failed set, for the sweeper. */
export interface FailedJob {
  readonly jobId: string;
  readonly data: unknown;
  readonly reason: string;
  readonly finishedAt: Date | null;
}

/**
 * The pipe between ingest and workers. Two backends, one conformance suite
 * (webhook-queue.conformance.ts).
 */
export interface WebhookQueue extends AsyncDisposable {
  readonly location: QueueLocation;
  /**
   * Adds the deliveries of one request, all or none, and says how each stands.
   * Resolves only once they are durable. An event already in the queue is not
   * added again, with two exceptions: another body under its id is added
   * beside it for the worker to judge, and a dead event is put back to work.
   */
  readonly add: (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;
  /** Puts a stored event back that the queue no longer knows; replaces a finished job of its id. */
  readonly recreate: (delivery: Delivery) => Promise<void>;
  readonly placeOf: (jobId: string) => Promise<JobPlace>;
  readonly counts: () => Promise<QueueCounts>;
  /** Failed jobs, newest first. */
  readonly failedJobs: (range: { readonly from: number; readonly count: number }) => Promise<readonly FailedJob[]>;
  /**
   * Resolves once the backend answers; rejects where it has not within five
   * seconds, with ConfigurationError where its schema does not fit this version.
   */
  readonly connected: () => Promise<void>;
  /** Throws where an acknowledged event could be lost, or nothing answers. */
  readonly assertReady: () => Promise<void>;
  /** For Bull Board. */
  readonly bull: BullQueue;
}

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
export type BullQueue = RedisBullQueue | PostgresBullQueue;

/**
 * Opens the queue for adding and looking; consuming is webhook-consumer.ts.
 * Connects in the background: while the backend is away, calls fail at once.
 */
export function openWebhookQueue(location: QueueLocation): WebhookQueue {
  const backend = location.backend === 'redis' ? openRedisBackend(location) : openPostgresBackend(location);
  const { bull } = backend;
  bull.on('error', () => undefined);

  const recreate = async (delivery: Delivery): Promise<void> => {
    const finished = await bull.getJob(jobIdOf(delivery));
    if (finished?.finishedOn !== undefined) await finished.remove();
    await bull.add(...jobOf(delivery, jobIdOf(delivery)));
  };

  return {
    location,
    bull,
    recreate,
    add: async (deliveries) => {
      backend.assertConnected();
      return addDeliveries(backend, deliveries);
    },
    placeOf: async (jobId) => placeOfState(await bull.getJobState(jobId)),
    counts: async () => {
      const counts = await bull.getJobCounts(...queueStates);
      return {
        waiting: counts['waiting'] ?? 0,
        active: counts['active'] ?? 0,
        delayed: counts['delayed'] ?? 0,
        completed: counts['completed'] ?? 0,
        failed: counts['failed'] ?? 0,
      };
    },
    failedJobs: async ({ from, count }) => {
      const jobs = await bull.getFailed(from, from + count - 1);
      return jobs.map((job) => ({
        jobId: job.id ?? '',
        data: job.data,
        reason: job.failedReason,
        finishedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
      }));
    },
    connected: backend.connected,
    assertReady: backend.assertReady,
    [Symbol.asyncDispose]: async () => {
      await bull.close();
      await backend.close();
    },
  };
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

interface Backend {
  readonly bull: BullQueue;
  /** The name under which each id is stored; null where it is not. */
  readonly storedNames: (jobIds: readonly string[]) => Promise<readonly (string | null)[]>;
  /** Throws TransientError where a call would wait for a connection rather than fail. */
  readonly assertConnected: () => void;
  readonly connected: () => Promise<void>;
  readonly assertReady: () => Promise<void>;
  readonly close: () => Promise<void>;
}

async function addDeliveries(backend: Backend, deliveries: readonly Delivery[]): Promise<readonly QueueStanding[]> {
  const ids = deliveries.map(jobIdOf);
  const [first, ...others] = deliveries.map((delivery) => jobOf(delivery, jobIdOf(delivery)));
  if (first === undefined) return [];
  // One job is one script; several are one MULTI, so that a request is queued whole or not at all.
  if (others.length === 0) await backend.bull.add(...first);
  else await backend.bull.addBulk([first, ...others].map(([name, data, opts]) => ({ name, data, opts })));

  const names = await backend.storedNames(ids);
  return Promise.all(
    deliveries.map((delivery, position) => {
      const name = names[position] ?? null;
      // Gone already means finished already: it was taken while we looked.
      return name === null || name === jobName(delivery) ? 'queued' : standingOfRepetition(backend, delivery);
    }),
  );
}

/** The id was taken before: what became of the first, and does this one state the same? */
async function standingOfRepetition(backend: Backend, delivery: Delivery): Promise<QueueStanding> {
  const job = await backend.bull.getJob(jobIdOf(delivery));
  if (job === undefined) return 'already processed';
  if (bodyHashOf(job.data) !== delivery.bodySha256) {
    await backend.bull.add(...jobOf(delivery, contestedJobIdOf(delivery)));
    return 'contested';
  }
  const place = placeOfState(await job.getState());
  if (place === 'completed') return 'already processed';
  // Sent again by the provider, a dead letter deserves another try. One that
  // cannot be read would only die again, each time the provider repeats it.
  if (place === 'failed' && delivery.shape === 'event') {
    await job.retry('failed', { resetAttemptsMade: true }).catch(() => undefined);
  }
  return 'already queued';
}

function bodyHashOf(data: unknown): string | null {
  return typeof data === 'object' && data !== null && 'bodySha256' in data && typeof data.bodySha256 === 'string'
    ? data.bodySha256
    : null;
}

function jobOf(
  delivery: Delivery,
  jobId: string,
): [name: string, data: unknown, opts: JobsOptions & { readonly jobId: string }] {
  return [
    jobName(delivery),
    delivery,
    {
      jobId,
      attempts: RETRIES_MAX + 1,
      backoff: { type: 'penstock' },
      removeOnComplete: { count: COMPLETED_KEPT },
      removeOnFail: { count: FAILED_KEPT },
    },
  ];
}

/** Unique to the delivery, so that reading it back tells whose job was stored. */
function jobName(delivery: Delivery): string {
  return `${delivery.type} ${delivery.deliveryId}`;
}

/** Enough to answer the usual quick repetition with `already processed`; the ledger knows for ever. */
const COMPLETED_KEPT = 1_000;

/** The dead-letter queue in Redis; the ledger holds every dead event whether or not it is among these. */
const FAILED_KEPT = 100_000;

function placeOfState(state: JobState | 'unknown'): JobPlace {
  switch (state) {
    case 'completed':
    case 'failed':
    case 'delayed':
    case 'active':
      return state;
    case 'waiting':
    case 'prioritized':
    case 'waiting-children':
      return 'waiting';
    case 'unknown':
      return 'missing';
  }
}

function openRedisBackend(location: QueueLocation): Backend {
  const redis: Redis = connectProducer(location.url);
  const bull: RedisBullQueue = new Queue(location.name, { connection: redis });
  return {
    bull,
    storedNames: async (jobIds) => {
      const pipeline = redis.pipeline();
      for (const jobId of jobIds) pipeline.hget(bull.toKey(jobId), 'name');
      const replies = (await pipeline.exec()) ?? [];
      return replies.map(([error, name]) => {
        if (error !== null) throw error;
        return typeof name === 'string' ? name : null;
      });
    },
    // Until its first connection BullMQ queues calls up; nobody would be told for as long as Redis is away.
    assertConnected: () => {
      if (redis.status !== 'ready') throw new TransientError('queue_unavailable', 'Redis is not connected');
    },
    connected: () => awaitReady(redis),
    assertReady: () => assertDurable(redis),
    close: async () => redis.disconnect(),
  };
}

function openPostgresBackend(location: QueueLocation): Backend {
  const pool = openQueuePool({ url: location.url, max: 8, applicationName: 'penstock-queue' });
  const bull: PostgresBullQueue = new Queue(location.name, { connection: pool }, createPostgresBackend);
  const answers = async (): Promise<void> => {
    await bull.getJobCounts('waiting');
  };
  return {
    bull,
    storedNames: async (jobIds) => Promise.all(jobIds.map(async (jobId) => (await bull.getJob(jobId))?.name ?? null)),
    assertConnected: () => undefined,
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
