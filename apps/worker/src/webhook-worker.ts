import type { TogetherStore } from '@penstock/db/together-store';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import type { createWorkerEvents } from './events.ts';
import { inBatches } from './in-batches.ts';
import type { KeyUses } from './key-uses.ts';
import type { SuspectWorld } from './process-suspect.ts';
import { openTaker } from './take-job.ts';

/**
 * Takes jobs from the queue and processes each; says to the queue what comes
 * next. Closing stops the intake, finishes what has been begun, and gives back
 * what waits for its turn in this process, to be another worker's at once.
 */
export function startWebhookWorker(options: {
  readonly location: QueueLocation;
  readonly concurrency: number;
  readonly lockMs: number;
  /** Events that are processed alone at a time; each takes a connection of the database. */
  readonly aloneMax: number;
  readonly world: SuspectWorld & { readonly together: TogetherStore };
  readonly events: ReturnType<typeof createWorkerEvents>;
  readonly keyUses: Pick<KeyUses, 'add'>;
}): AsyncDisposable & { readonly ready: () => Promise<void> } {
  const { world, events, aloneMax } = options;
  const closing = new AbortController();
  const stopping = closing.signal;
  const taker = openTaker(world, {
    around: events.processing,
    beside: inBatches(world, { aloneMax, stopping }),
    stopping,
  });
  const consumer = consumeWebhooks({
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
  return {
    ready: consumer.ready,
    [Symbol.asyncDispose]: async () => {
      const closed = consumer[Symbol.asyncDispose]();
      // Only now: what is given back before the intake has stopped is taken in again.
      closing.abort();
      await closed;
      if (taker.givenBack() > 0) events.gaveBack(taker.givenBack());
    },
  };
}
