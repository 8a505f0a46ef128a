import type { Metrics } from './metrics.ts';
import { queueStates, type WebhookQueue } from './webhook-queue.ts';

/** Reads the queue's depth into its gauge; BullMQ keeps the counts, nothing is scanned. */
export async function observeQueue(queue: Pick<WebhookQueue, 'counts'>, metrics: Metrics): Promise<void> {
  const counts = await queue.counts();
  for (const state of queueStates) metrics.queueDepth.set({ state }, counts[state]);
}
