import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import type { createWorkerEvents } from './events.ts';
import type { KeyUses } from './key-uses.ts';
import type { SuspectWorld } from './process-suspect.ts';
import { openTaker } from './take-job.ts';

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
  const taker = openTaker(world, events.processing);
  return consumeWebhooks({
    location: options.location,
    concurrency: options.concurrency,
    lockMs: options.lockMs,
    onError: events.queueError,
    attempt: async (job) => {
      const started = world.elapsedMs();
      const { processed, verdict } = await taker.take(job);
      if (processed === null) return verdict;
      if (processed.kind === 'ended' || processed.kind === 'failed') options.keyUses.add(processed.delivery);
      events.webhookProcessed(job, processed, { durationMs: world.elapsedMs() - started, now: world.now() });
      return verdict;
    },
    onAbandoned: async (job, reason) => {
      events.abandoned(job, reason);
      await taker.bury(job, reason);
    },
  });
}
