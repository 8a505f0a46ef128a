import { contestedJobIdOf, jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { QueueStanding } from '@penstock/core/outcome';
import { burialName, isBurialName, jobName } from '@penstock/runtime/job-names';
import type { Lane } from '@penstock/runtime/lanes';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { MemoryJobs } from './memory-jobs.ts';

/** What of the queue's port is about jobs. */
export type JobQueue = Pick<
  WebhookQueue,
  'add' | 'recreate' | 'bury' | 'forgetFailed' | 'placeOf' | 'counts' | 'failedJobs'
>;

/** One process's way to the queue in memory; `effect` is awaited before each of the queue's own commands. */
export function openMemoryQueue(jobs: MemoryJobs, effect: (name: string) => Promise<void>): JobQueue {
  const command = async <T>(name: string, run: () => T): Promise<T> => {
    await effect(name);
    return run();
  };
  const addNew = (delivery: Delivery, { id, lane, name }: { id: string; lane: Lane; name: string }) =>
    command('add', () => jobs.addNew({ id, name, data: delivery, lane }));

  const standingOfRepetition = async (delivery: Delivery, lane: Lane): Promise<QueueStanding> => {
    const known = await command('getJob', () => jobs.get(jobIdOf(delivery)));
    if (known === undefined) return 'already processed';
    if (bodyHashOf(known.data) !== delivery.bodySha256) {
      const id = contestedJobIdOf(delivery);
      const isNew = await addNew(delivery, { id, lane, name: jobName(delivery) });
      if (!isNew && known.place === 'failed') await command('retry', () => jobs.retryFinished(id));
      return 'contested';
    }
    if (known.place === 'completed') return 'already processed';
    if (known.place === 'failed' && delivery.shape === 'event')
      await command('retry', () => jobs.retryFinished(known.id));
    return 'already queued';
  };

  return {
    add: async (deliveries, { lane = 'live' } = {}) => {
      const added = await command('add', () =>
        deliveries.map((delivery) =>
          jobs.addNew({ id: jobIdOf(delivery), name: jobName(delivery), data: delivery, lane }),
        ),
      );
      const standings: QueueStanding[] = [];
      for (const [position, delivery] of deliveries.entries())
        standings.push(added[position] === true ? 'queued' : await standingOfRepetition(delivery, lane));
      return standings;
    },
    recreate: async (delivery, { lane = 'live' } = {}) => {
      const id = jobIdOf(delivery);
      const former = await command('getJob', () => jobs.get(id));
      if (former !== undefined && (former.finishedAt !== null || isBurialName(former.name)))
        await command('remove', () => jobs.remove(id));
      await addNew(delivery, { id, lane, name: jobName(delivery) });
    },
    bury: async (delivery) => {
      const id = jobIdOf(delivery);
      const former = await command('getJob', () => jobs.get(id));
      if (former?.place === 'completed') await command('remove', () => jobs.remove(id));
      await addNew(delivery, { id, lane: 'replay', name: burialName(delivery) });
    },
    forgetFailed: async (id) => {
      const job = await command('getJob', () => jobs.get(id));
      if (job?.place === 'failed') await command('remove', () => jobs.remove(id));
    },
    placeOf: (id) => command('getState', () => jobs.get(id)?.place ?? 'missing'),
    counts: () =>
      command('getCounts', () => {
        const count = (place: string): number => jobs.all().filter((job) => job.place === place).length;
        return {
          waiting: count('waiting'),
          active: count('active'),
          delayed: count('delayed'),
          completed: count('completed'),
          failed: count('failed'),
        };
      }),
    failedJobs: ({ from, count }) =>
      command('getFailed', () =>
        jobs
          .all()
          .filter((job) => job.place === 'failed')
          .toSorted((one, other) => (other.finishedAt ?? 0) - (one.finishedAt ?? 0))
          .slice(from, from + count)
          .map(({ id, data, reason, finishedAt }) => ({
            jobId: id,
            data,
            reason,
            finishedAt: finishedAt === null ? null : new Date(finishedAt),
          })),
      ),
  };
}

function bodyHashOf(data: unknown): string | null {
  return typeof data === 'object' && data !== null && 'bodySha256' in data && typeof data.bodySha256 === 'string'
    ? data.bodySha256
    : null;
}
