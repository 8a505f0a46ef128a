import { parseDelivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { OUTAGE_DELAY_MS } from '@penstock/core/retry-policy';
import { consumeWebhooks, type JobVerdict, type QueuedJob } from '@penstock/runtime/webhook-consumer';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import type { createWorkerEvents } from './events.ts';
import type { KeyUses } from './key-uses.ts';
import { processWebhook, type Processed, type ProcessWorld } from './process-webhook.ts';
import { buryDelivery } from './record-failed-attempt.ts';

/** Takes jobs from the queue and processes each; says to the queue what comes next. */
export function startWebhookWorker(options: {
  readonly location: QueueLocation;
  readonly concurrency: number;
  readonly lockMs: number;
  readonly world: ProcessWorld;
  readonly events: ReturnType<typeof createWorkerEvents>;
  readonly keyUses: Pick<KeyUses, 'add'>;
}) {
  const { world, events } = options;
  return consumeWebhooks({
    location: options.location,
    concurrency: options.concurrency,
    lockMs: options.lockMs,
    onError: events.queueError,
    attempt: async (job) => {
      const started = performance.now();
      const processed = await processWebhook(job, world);
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

async function buryAbandoned(job: QueuedJob, reason: string, world: ProcessWorld): Promise<void> {
  await buryDelivery(world.db, parseDelivery(job.data), toFailure(new PermanentError('job_abandoned', reason)));
}
