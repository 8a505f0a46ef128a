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
 * where not, so many side by side. A single job waits for nobody.
 */
export function inBatches(
  world: Omit<TogetherWorld, 'handlerTimes' | 'readings'>,
  { aloneMax }: { readonly aloneMax: number },
): (job: QueuedJob) => Promise<Processed> {
  const handlerTimes = observeHandlerTimes();
  const readings = new WeakMap<QueuedJob, PlainJob>();
  const together = gather({
    take: (jobs: readonly QueuedJob[]) => processTogether(jobs, { ...world, handlerTimes, readings }),
    itemsMax: TOGETHER_MAX,
    groupsMax: TRANSACTIONS_MAX,
  });
  const alone = gather({
    take: (jobs: readonly QueuedJob[]) => Promise.all(jobs.map((job) => processWebhook(job, world))),
    itemsMax: 1,
    groupsMax: aloneMax,
  });
  const process = async (job: QueuedJob): Promise<Processed> => {
    const processed = await together(job);
    if (processed === 'again') return process(job);
    return processed === 'alone' ? alone(job) : processed;
  };
  return async (job) => {
    const processed = await process(job);
    if (processed.kind === 'ended' || processed.kind === 'failed')
      for (const { handler, durationMs } of processed.handlers) handlerTimes.add(handler, durationMs);
    return processed;
  };
}
