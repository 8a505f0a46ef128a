import { parseDelivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { OUTAGE_DELAY_MS } from '@penstock/core/retry-policy';
import type { JobVerdict, QueuedJob } from '@penstock/runtime/webhook-consumer';
import { openAisle } from './aisle.ts';
import { processSuspect, type SuspectWorld } from './process-suspect.ts';
import { processWebhook, type Processed, type ProcessWorld } from './process-webhook.ts';
import { buryDelivery } from './record-failed-attempt.ts';

/** What one worker does with the jobs that the queue hands it. */
export interface Taker {
  /** Processes a job, a suspect alone; `processed` is null for one that only stands for a dead event. */
  readonly take: (job: QueuedJob) => Promise<{ readonly processed: Processed | null; readonly verdict: JobVerdict }>;
  /** Marks the event of a job dead that the queue gave up on by itself. */
  readonly bury: (job: QueuedJob, reason: string) => Promise<void>;
}

/** Lost once, a job met a deployment, or a machine that stood still; lost twice, it may be what its workers die of. */
const SUSPECT_STALLS = 2;

/** One for each process: it knows what is in hand there. What is processed is processed within `around`, as in a span. */
export function openTaker(
  world: SuspectWorld,
  how: {
    readonly around?: (job: QueuedJob, process: () => Promise<Processed>) => Promise<Processed>;
    /** How a job that is no suspect is processed; alone where absent. */
    readonly beside?: (job: QueuedJob) => Promise<Processed>;
  } = {},
): Taker {
  const { around = (_job, process) => process(), beside = (job) => processWebhook(job, world) } = how;
  const aisle = openAisle();
  const process = (job: QueuedJob): Promise<Processed> =>
    (job.stalls ?? 0) < SUSPECT_STALLS
      ? aisle.beside(() => beside(job))
      : aisle.alone(() => processSuspect(job, world));
  return {
    take: async (job) => {
      if (job.buried === true) return { processed: null, verdict: await stayDead(job, world) };
      const processed = await around(job, () => process(job));
      return { processed, verdict: verdictOf(processed) };
    },
    bury: async (job, reason) =>
      void (await buryDelivery(world.store, parseDelivery(job.data), {
        failure: toFailure(new PermanentError('job_abandoned', reason)),
      })),
  };
}

/** What the queue is to do: the one place where an outcome becomes a queue's verb. */
function verdictOf(processed: Processed): JobVerdict {
  switch (processed.kind) {
    case 'ended':
      return { kind: 'done', outcome: processed.outcome };
    case 'failed':
      return processed.next.kind === 'retry'
        ? { kind: 'retry', delayMs: processed.next.delayMs, error: processed.error }
        : { kind: 'dead', error: processed.error };
    case 'unreadable':
      return { kind: 'dead', error: processed.error };
    case 'unconfirmed':
      return { kind: 'postpone', delayMs: processed.delayMs };
    case 'outage':
      return { kind: 'postpone', delayMs: OUTAGE_DELAY_MS };
  }
}

/** A job made for the failed set fails at once, unless its event was brought back to life meanwhile. */
async function stayDead(job: QueuedJob, world: ProcessWorld): Promise<JobVerdict> {
  try {
    const death = await world.store.findDeath(parseDelivery(job.data));
    if (death === undefined) return { kind: 'done', outcome: 'duplicate' };
    return { kind: 'dead', error: new PermanentError(death.code, death.message) };
  } catch (thrown) {
    if (world.store.isOutage(thrown)) return { kind: 'postpone', delayMs: OUTAGE_DELAY_MS };
    throw thrown;
  }
}
