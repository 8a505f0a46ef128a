import { setTimeout as delay } from 'node:timers/promises';
import { jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import { shardOf } from '@penstock/runtime/queue-shards';
import { consumeWebhooks, type JobVerdict, type QueuedJob } from '@penstock/runtime/webhook-consumer';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';
import { createMemoryJobs, type MemoryJobs } from '../simulation/memory-jobs.ts';
import { openMemoryQueue, type JobQueue } from '../simulation/memory-queue.ts';
import { aDelivery } from './deliveries.ts';
import { createTestQueue, queueBackends } from './queues.ts';

export const queuesUnderTest = [...queueBackends, 'shards', 'memory'] as const;

/** Of the kind 'shards', all on one Redis. */
const SHARDS = 3;

type Attempt = (job: QueuedJob) => Promise<JobVerdict>;

/** A queue of one test's own, empty and connected, and what takes jobs from it. */
interface QueueUnderTest extends AsyncDisposable {
  readonly queue: JobQueue;
  /** Deliveries that are taken one after the other: of several shards, each goes at its own pace. */
  readonly inOneLine: () => Delivery;
  /** Disposing it stops the intake and waits for the jobs in hand. */
  readonly consume: (attempt: Attempt, options?: { readonly concurrency?: number }) => AsyncDisposable;
}

export async function queueUnderTest(kind: (typeof queuesUnderTest)[number]): Promise<QueueUnderTest> {
  if (kind === 'memory') return memoryQueueUnderTest();
  const own = await createTestQueue(kind === 'shards' ? 'redis' : kind);
  const location: QueueLocation =
    own.location.backend === 'redis' && kind === 'shards' ? { ...own.location, shards: SHARDS } : own.location;
  const queue = openWebhookQueue(location);
  await queue.connected();
  return {
    queue,
    inOneLine: kind === 'shards' ? aDeliveryOfTheLastShard : aDelivery,
    consume: (attempt, { concurrency = 4 } = {}) =>
      consumeWebhooks({
        location,
        concurrency,
        lockMs: 5_000,
        attempt,
        onAbandoned: async () => undefined,
        onError: () => undefined,
      }),
    [Symbol.asyncDispose]: async () => {
      await queue[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
    },
  };
}

function memoryQueueUnderTest(): QueueUnderTest {
  const jobs = createMemoryJobs({ now: Date.now, lockMs: 5_000, completedKept: 1_000 });
  return {
    queue: openMemoryQueue(jobs, async () => undefined),
    inOneLine: aDelivery,
    consume: (attempt, { concurrency = 4 } = {}) => consumeFromMemory(jobs, { attempt, concurrency }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function aDeliveryOfTheLastShard(): Delivery {
  const delivery = aDelivery();
  return shardOf(jobIdOf(delivery), SHARDS) === SHARDS - 1 ? delivery : aDeliveryOfTheLastShard();
}

let consumers = 0;

/** Takes jobs in real time, as a worker does; the simulation takes them in its own. */
function consumeFromMemory(
  jobs: MemoryJobs,
  { attempt, concurrency }: { readonly attempt: Attempt; readonly concurrency: number },
): AsyncDisposable {
  const name = `consumer-${(consumers += 1)}`;
  const inHand = new Set<Promise<void>>();
  const stop = new AbortController();
  let taken = 0;
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const job = inHand.size < concurrency ? jobs.take(`${name}#${(taken += 1)}`) : null;
      if (job === null) {
        await delay(1);
        continue;
      }
      const work = attempt(job.job).then((verdict) => jobs.settle(job, verdict));
      inHand.add(work);
      void work.finally(() => inHand.delete(work));
    }
  };
  const running = loop();
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await Promise.all(inHand);
    },
  };
}
