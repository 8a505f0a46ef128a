import { keyOfDelivery } from '@penstock/core/sealed-delivery';
import type { BullQueue } from './queue-backends.ts';
import type { WebhookQueue } from './webhook-queue.ts';

/** Jobs by the id of the key that sealed them; null where they lie plain. */
export type JobsByKey = ReadonlyMap<string | null, number>;

/** A page of jobs of a megabyte each is what a command may hold. */
const PAGE = 100;

/**
 * What a job passes through, in that order, so that one which moves on while
 * they are counted is counted twice rather than not at all. Finished ones are
 * not opened again.
 */
const states = ['waiting', 'prioritized', 'delayed', 'active', 'failed'] as const;

/** Counts the jobs that a worker, or a retry of a dead letter, may still have to open, in every shard. */
export async function countJobsByKey(queue: Pick<WebhookQueue, 'bulls' | 'counts'>): Promise<JobsByKey> {
  // Makes every shard known.
  await queue.counts();
  const jobs = new Map<string | null, number>();
  for (const bull of queue.bulls())
    for (const state of states)
      for await (const data of dataOf(bull, state)) {
        const key = keyOfDelivery(data);
        jobs.set(key, (jobs.get(key) ?? 0) + 1);
      }
  return jobs;
}

async function* dataOf(bull: BullQueue, state: (typeof states)[number]): AsyncGenerator<unknown> {
  for (let from = 0; ; from += PAGE) {
    const jobs = await bull.getJobs([state], from, from + PAGE - 1);
    for (const job of jobs) yield job.data;
    if (jobs.length < PAGE) return;
  }
}
