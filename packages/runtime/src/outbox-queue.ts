import type { Job } from 'bullmq';
import { openPostgresBackend, openRedisBackend, type BullQueue } from './queue-backends.ts';
import type { QueueLocation } from './queue-location.ts';

/** The second queue: messages of the outbox on their way to destinations. A job is the id of a delivery. */
export interface OutboxQueue extends AsyncDisposable {
  /** Adds deliveries that are not in the queue yet. */
  readonly add: (ids: readonly number[]) => Promise<void>;
  /** Puts back to work those that the queue does not know or has given up; the others are at work. */
  readonly retry: (ids: readonly number[]) => Promise<void>;
  /** Which of them the queue does not know, or has given up. */
  readonly lost: (ids: readonly number[]) => Promise<readonly number[]>;
  readonly connected: () => Promise<void>;
  /** For Bull Board. */
  readonly bull: BullQueue;
}

/** Where it lives: beside the queue of webhooks. */
export function outboxLocation(location: QueueLocation): QueueLocation {
  const name = `${location.name}-outbox`;
  return location.backend === 'redis' ? { ...location, name, shards: 1 } : { ...location, name };
}

/** How often BullMQ may hand a job out; the destination's own limit is far below. */
const ATTEMPTS_MAX = 1_000;

/** Opens it for adding and looking; consuming is webhook-consumer.ts. */
export function openOutboxQueue(location: QueueLocation): OutboxQueue {
  const here = outboxLocation(location);
  const backend = here.backend === 'redis' ? openRedisBackend(here) : openPostgresBackend(here);
  const { bull } = backend;
  bull.on('error', () => undefined);
  const add: OutboxQueue['add'] = async (ids) => {
    backend.assertConnected();
    await bull.addBulk(
      ids.map((id) => ({
        name: 'deliver',
        data: { id },
        opts: {
          jobId: jobIdOf(id),
          attempts: ATTEMPTS_MAX,
          backoff: { type: 'penstock' },
          removeOnComplete: true,
          removeOnFail: { count: FAILED_KEPT },
        },
      })),
    );
  };
  return {
    bull,
    add,
    retry: async (ids) => {
      const jobs = await Promise.all(ids.map((id) => bull.getJob(jobIdOf(id))));
      await Promise.all(jobs.map((job) => (job === undefined ? undefined : retryFailed(job))));
      const unknown = ids.filter((_, position) => jobs[position] === undefined);
      if (unknown.length > 0) await add(unknown);
    },
    lost: async (ids) => {
      const states = await Promise.all(ids.map((id) => bull.getJobState(jobIdOf(id))));
      return ids.filter((_, position) => states[position] === 'unknown' || states[position] === 'failed');
    },
    connected: backend.connected,
    [Symbol.asyncDispose]: async () => {
      await bull.close();
      await backend.close();
    },
  };
}

/** Somebody else may put it back at the same moment. */
async function retryFailed(job: Job): Promise<void> {
  if (!(await job.isFailed())) return;
  try {
    await job.retry('failed', { resetAttemptsMade: true });
  } catch (error) {
    if (await job.isFailed()) throw error;
  }
}

/** The dead letters of forwarding; the table holds them all. */
const FAILED_KEPT = 10_000;

/** BullMQ takes no id of digits alone. */
function jobIdOf(id: number): string {
  return `delivery-${id}`;
}
