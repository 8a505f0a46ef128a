import type { Job, JobState, JobsOptions } from 'bullmq';
import { contestedJobIdOf, jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { RETRIES_MAX } from '@penstock/core/retry-policy';
import { openWherePossible, sealDelivery } from '@penstock/core/sealed-delivery';
import { openPostgresBackend, openRedisBackend, type BullQueue, type QueueBackend } from './queue-backends.ts';
import { burialName, isBurialName, jobName } from './job-names.ts';
import { priorities, type Lane } from './lanes.ts';
import type { NewJob } from './add-jobs-together.ts';
import type { QueueLocation } from './queue-location.ts';
import { openInShards } from './queue-in-shards.ts';
import type { RedisFacts } from './redis-facts.ts';

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
   * beside it for the worker to judge, again where the event has died since,
   * and a dead event is put back to work.
   * The lane is `live` unless given.
   */
  readonly add: (
    deliveries: readonly Delivery[],
    options?: { readonly lane?: Lane },
  ) => Promise<readonly QueueStanding[]>;
  /**
   * Puts a stored event back to work: makes a job of it, in place of a finished
   * or dead one of its id. One that waits, runs or is delayed is left alone.
   * The lane is `live` unless given.
   */
  readonly recreate: (delivery: Delivery, options?: { readonly lane?: Lane }) => Promise<void>;
  /**
   * Makes the job again of a dead event that the queue no longer knows as
   * failed. A worker takes it, sees that it is `buried`, and lets it fail
   * without an attempt.
   */
  readonly bury: (delivery: Delivery) => Promise<void>;
  /** Takes a job out of the failed set, where it is there. */
  readonly forgetFailed: (jobId: string) => Promise<void>;
  readonly placeOf: (jobId: string) => Promise<JobPlace>;
  readonly counts: () => Promise<QueueCounts>;
  /** When the job was added that has waited longest, in whichever lane; null where none waits. */
  readonly oldestWaiting: () => Promise<Date | null>;
  /** What Redis says of itself; null where the queue is not in Redis. */
  readonly redisFacts: () => Promise<RedisFacts | null>;
  /** Failed jobs, newest first. */
  readonly failedJobs: (range: { readonly from: number; readonly count: number }) => Promise<readonly FailedJob[]>;
  /**
   * Resolves once the backend answers; rejects where it has not within five
   * seconds, with ConfigurationError where its schema does not fit this version.
   */
  readonly connected: () => Promise<void>;
  /** Throws where an acknowledged event could be lost, or nothing answers. */
  readonly assertReady: () => Promise<void>;
  /** For Bull Board: one, or one for each shard. */
  readonly bulls: () => readonly [BullQueue, ...BullQueue[]];
}

/**
 * Opens the queue for adding and looking; consuming is webhook-consumer.ts.
 * Connects in the background: while the backend is away, calls fail at once.
 */
export function openWebhookQueue(location: QueueLocation): WebhookQueue {
  return location.backend === 'postgres'
    ? openShard(location, openPostgresBackend(location))
    : openInShards(location, (shard, connection) => openShard(shard, openRedisBackend(shard, connection)));
}

function openShard(location: QueueLocation, backend: QueueBackend): WebhookQueue {
  const { bull } = backend;
  const keys = location.payloadKeys ?? null;
  bull.on('error', () => undefined);

  const recreate: WebhookQueue['recreate'] = async (delivery, { lane = 'live' } = {}) => {
    const jobId = jobIdOf(delivery);
    const former = await bull.getJob(jobId);
    // A burial that still waits would let fail what is to be worked on.
    if (former !== undefined && (former.finishedOn !== undefined || isBurialName(former.name)))
      await former.remove().catch(() => undefined);
    await bull.add(...jobOf(backend, delivery, { jobId, lane, keys }));
  };

  return {
    location,
    bulls: () => [bull],
    recreate,
    add: async (deliveries, { lane = 'live' } = {}) => {
      backend.assertConnected();
      return addDeliveries(backend, { deliveries, lane, keys });
    },
    bury: async (delivery) => {
      const jobId = jobIdOf(delivery);
      const [, data, options] = jobOf(backend, delivery, { jobId, lane: 'replay', keys });
      const former = await bull.getJob(jobId);
      if (former !== undefined && (await former.isCompleted())) await former.remove();
      await bull.add(burialName(delivery), data, options);
    },
    forgetFailed: async (jobId) => {
      const job = await bull.getJob(jobId);
      if (job !== undefined && (await job.isFailed())) await job.remove();
    },
    placeOf: async (jobId) => placeOfState(await bull.getJobState(jobId)),
    counts: async () => {
      const counts = await bull.getJobCounts(...queueStates, 'prioritized');
      return {
        waiting: (counts['waiting'] ?? 0) + (counts['prioritized'] ?? 0),
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
        data: openWherePossible(job.data, keys),
        reason: job.failedReason,
        finishedAt: job.finishedOn === undefined ? null : new Date(job.finishedOn),
      }));
    },
    oldestWaiting: backend.oldestWaiting,
    redisFacts: backend.redisFacts,
    connected: backend.connected,
    assertReady: backend.assertReady,
    [Symbol.asyncDispose]: async () => {
      await bull.close();
      await backend.close();
    },
  };
}

/** How jobs are made. */
interface Manner {
  readonly lane: Lane;
  readonly keys: PayloadKeys | null;
}

async function addDeliveries(
  backend: QueueBackend,
  { deliveries, lane, keys }: { readonly deliveries: readonly Delivery[] } & Manner,
): Promise<readonly QueueStanding[]> {
  if (deliveries.length === 0) return [];
  const jobs = deliveries.map((delivery) => newJob(delivery, { jobId: jobIdOf(delivery), keys }));
  const names = await backend.addJobs(jobs, jobOptions(backend, lane));
  const standings = deliveries.map((delivery, position) =>
    names[position] === jobs[position]?.name ? 'queued' : standingOfRepetition(backend, { delivery, lane, keys }),
  );
  return Promise.all(standings);
}

/** The id was taken before: what became of the first, and does this one state the same? */
async function standingOfRepetition(
  backend: QueueBackend,
  { delivery, lane, keys }: { readonly delivery: Delivery } & Manner,
): Promise<QueueStanding> {
  const job = await backend.bull.getJob(jobIdOf(delivery));
  if (job === undefined) return 'already processed';
  const place = placeOfState(await job.getState());
  if (bodyHashOf(job.data) !== delivery.bodySha256) {
    const contested = newJob(delivery, { jobId: contestedJobIdOf(delivery), keys });
    const [name] = await backend.addJobs([contested], jobOptions(backend, lane));
    // Judged before, it may have been a harmless rendering of an event that was not dead then.
    if (name !== contested.name && place === 'failed') await workAgain(await backend.bull.getJob(contested.jobId));
    return 'contested';
  }
  if (place === 'completed') return 'already processed';
  // Sent again by the provider, a dead letter deserves another try. One that
  // cannot be read would only die again, each time the provider repeats it.
  if (place === 'failed' && delivery.shape === 'event') await workAgain(job);
  return 'already queued';
}

/** Puts a finished or dead job back to work; one that is at work already is left alone. */
async function workAgain(job: Job<unknown, unknown> | undefined): Promise<void> {
  const state = await job?.getState();
  if (state === 'completed' || state === 'failed')
    await job?.retry(state, { resetAttemptsMade: true }).catch(() => undefined);
}

function bodyHashOf(data: unknown): string | null {
  return typeof data === 'object' && data !== null && 'bodySha256' in data && typeof data.bodySha256 === 'string'
    ? data.bodySha256
    : null;
}

function jobOf(
  backend: QueueBackend,
  delivery: Delivery,
  { jobId, lane, keys }: { readonly jobId: string } & Manner,
): [name: string, data: unknown, opts: JobsOptions & { readonly jobId: string }] {
  const { name, data } = newJob(delivery, { jobId, keys });
  return [name, data, { ...jobOptions(backend, lane), jobId }];
}

function newJob(
  delivery: Delivery,
  { jobId, keys }: { readonly jobId: string; readonly keys: PayloadKeys | null },
): NewJob {
  return { jobId, name: jobName(delivery), data: sealDelivery(delivery, keys) };
}

/** The dead-letter queue in Redis; the ledger holds every dead event whether or not it is among these. */
const FAILED_KEPT = 100_000;

function jobOptions({ completedKept }: QueueBackend, lane: Lane): JobsOptions {
  return {
    priority: priorities[lane],
    attempts: RETRIES_MAX + 1,
    backoff: { type: 'penstock' },
    removeOnComplete: completedKept,
    removeOnFail: { count: FAILED_KEPT },
  };
}

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
