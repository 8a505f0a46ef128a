import { gather } from '@penstock/runtime/gather';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { observeHandlerTimes } from './handler-times.ts';
import { processTogether, type PlainJob, type TogetherWorld } from './process-together.ts';
import { processWebhook, type Processed } from './process-webhook.ts';

/** Events in one transaction. What is done once for all of them is a twentieth of the whole then, and a failure costs few. */
const TOGETHER_MAX = 512;

/** One transaction waits for the database while the next is made ready. */
const TRANSACTIONS_MAX = 2;

/**
 * Processes jobs in hand together where that comes out the same, and alone
 * where not, so many side by side. A single job waits for nobody. Null is the
 * result of one that still waited when `stopping` came.
 */
export function inBatches(
  world: Omit<TogetherWorld, 'handlerTimes' | 'readings'>,
  { aloneMax, stopping }: { readonly aloneMax: number; readonly stopping: AbortSignal },
): (job: QueuedJob) => Promise<Processed | null> {
  const until = { signal: stopping, left: () => null };
  const handlerTimes = observeHandlerTimes();
  const readings = new WeakMap<QueuedJob, PlainJob>();
  const together = gather<QueuedJob, Processed | 'alone' | 'again' | null>({
    until,
    take: (jobs: readonly QueuedJob[]) => processTogether(jobs, { ...world, handlerTimes, readings }),
    itemsMax: TOGETHER_MAX,
    groupsMax: TRANSACTIONS_MAX,
  });
  const alone = gather<QueuedJob, Processed | null>({
    until,
    take: (jobs: readonly QueuedJob[]) => Promise.all(jobs.map((job) => processWebhook(job, world))),
    itemsMax: 1,
    groupsMax: aloneMax,
  });
  const process = async (job: QueuedJob): Promise<Processed | null> => {
    const processed = await together(job);
    if (processed === 'again') return process(job);
    return processed === 'alone' ? alone(job) : processed;
  };
  return async (job) => {
    const processed = await process(job);
    if (processed?.kind === 'ended' || processed?.kind === 'failed')
      for (const { handler, durationMs } of processed.handlers) handlerTimes.add(handler, durationMs);
    return processed;
  };
}
