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
  /**
   * Processes a job, a suspect alone. `processed` is null for one that only
   * stands for a dead event, and for one that is given back: it had not been
   * begun when the worker was told to stop.
   */
  readonly take: (job: QueuedJob) => Promise<{ readonly processed: Processed | null; readonly verdict: JobVerdict }>;
  /** Marks the event of a job dead that the queue gave up on by itself. */
  readonly bury: (job: QueuedJob, reason: string) => Promise<void>;
  /** How many jobs were given back so far. */
  readonly givenBack: () => number;
}

/** Lost once, a job met a deployment, or a machine that stood still; lost twice, it may be what its workers die of. */
const SUSPECT_STALLS = 2;

/** One for each process: it knows what is in hand there. What is processed is processed within `around`, as in a span. */
export function openTaker(
  world: SuspectWorld,
  how: {
    readonly around?: (job: QueuedJob, process: () => Promise<Processed | null>) => Promise<Processed | null>;
    /** How a job that is no suspect is processed; alone where absent. Null where it was not begun. */
    readonly beside?: (job: QueuedJob) => Promise<Processed | null>;
    /** From then on nothing is begun any more. */
    readonly stopping?: AbortSignal;
  } = {},
): Taker {
  const { around = (_job, process) => process(), beside = (job) => processWebhook(job, world) } = how;
  const aisle = openAisle();
  let givenBack = 0;
  const process = (job: QueuedJob): Promise<Processed | null> => {
    const isSuspect = (job.stalls ?? 0) >= SUSPECT_STALLS;
    const begin = async () => {
      if (how.stopping?.aborted === true) return null;
      return isSuspect ? processSuspect(job, world) : beside(job);
    };
    return isSuspect ? aisle.alone(begin) : aisle.beside(begin);
  };
  return {
    take: async (job) => {
      if (job.buried === true) return { processed: null, verdict: await stayDead(job, world) };
      const processed = await around(job, () => process(job));
      if (processed !== null) return { processed, verdict: verdictOf(processed) };
      givenBack += 1;
      return { processed, verdict: { kind: 'release' } };
    },
    givenBack: () => givenBack,
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
