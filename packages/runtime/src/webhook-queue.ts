import type { JobState, JobsOptions } from 'bullmq';
import { contestedJobIdOf, jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { RETRIES_MAX } from '@penstock/core/retry-policy';
import { openPostgresBackend, openRedisBackend, type BullQueue, type QueueBackend } from './queue-backends.ts';
import type { QueueLocation } from './queue-location.ts';

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
 * (tests/webhook-queue.test.ts).
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

async function addDeliveries(
  backend: QueueBackend,
  deliveries: readonly Delivery[],
): Promise<readonly QueueStanding[]> {
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
async function standingOfRepetition(backend: QueueBackend, delivery: Delivery): Promise<QueueStanding> {
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
