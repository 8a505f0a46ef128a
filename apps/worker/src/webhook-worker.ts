import { parseDelivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { OUTAGE_DELAY_MS } from '@penstock/core/retry-policy';
import { isDatabaseOutage } from '@penstock/db/database';
import { findDeath } from '@penstock/db/ledger';
import { consumeWebhooks, type JobVerdict, type QueuedJob } from '@penstock/runtime/webhook-consumer';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { openAisle } from './aisle.ts';
import type { createWorkerEvents } from './events.ts';
import type { KeyUses } from './key-uses.ts';
import { processSuspect, type SuspectWorld } from './process-suspect.ts';
import { processWebhook, type Processed, type ProcessWorld } from './process-webhook.ts';
import { buryDelivery } from './record-failed-attempt.ts';

/** Takes jobs from the queue and processes each; says to the queue what comes next. */
export function startWebhookWorker(options: {
  readonly location: QueueLocation;
  readonly concurrency: number;
  readonly lockMs: number;
  readonly world: SuspectWorld;
  readonly events: ReturnType<typeof createWorkerEvents>;
  readonly keyUses: Pick<KeyUses, 'add'>;
}) {
  const { world, events } = options;
  const aisle = openAisle();
  const process = (job: QueuedJob): Promise<Processed> =>
    job.stalls === undefined
      ? aisle.beside(() => processWebhook(job, world))
      : aisle.alone(() => processSuspect(job, world));
  return consumeWebhooks({
    location: options.location,
    concurrency: options.concurrency,
    lockMs: options.lockMs,
    onError: events.queueError,
    attempt: async (job) => {
      if (job.buried === true) return stayDead(job, world);
      const started = performance.now();
      const processed = await events.processing(job, () => process(job));
      if (processed.kind === 'ended' || processed.kind === 'failed') options.keyUses.add(processed.delivery);
      events.webhookProcessed(job, processed, { durationMs: performance.now() - started, now: world.now() });
      return verdictOf(processed);
    },
    onAbandoned: async (job, reason) => {
      events.abandoned(job, reason);
      await buryAbandoned(job, reason, world);
    },
  });
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
    const death = await findDeath(world.db, parseDelivery(job.data));
    if (death === undefined) return { kind: 'done', outcome: 'duplicate' };
    return { kind: 'dead', error: new PermanentError(death.code, death.message) };
  } catch (thrown) {
    if (isDatabaseOutage(thrown)) return { kind: 'postpone', delayMs: OUTAGE_DELAY_MS };
    throw thrown;
  }
}

async function buryAbandoned(job: QueuedJob, reason: string, world: ProcessWorld): Promise<void> {
  await buryDelivery(world.db, parseDelivery(job.data), toFailure(new PermanentError('job_abandoned', reason)));
}
