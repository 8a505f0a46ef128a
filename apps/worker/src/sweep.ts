import { parseDelivery, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure, type Failure } from '@penstock/core/failure';
import type { DeadEvent, UnfinishedEvent } from '@penstock/db/ledger';
import type { LedgerStore } from '@penstock/db/ledger-store';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import { buryDelivery } from './record-failed-attempt.ts';

/** What sweeping needs of the world. */
export interface SweepWorld {
  readonly store: LedgerStore;
  readonly queue: Pick<WebhookQueue, 'placeOf' | 'recreate' | 'failedJobs' | 'bury' | 'forgetFailed'>;
  readonly now: () => Date;
  readonly newId: () => string;
  /** A stored event is left alone for this long after it was last moved. */
  readonly graceMs: number;
}

/** What one sweep mended. */
export interface Swept {
  /** Jobs made again of stored events whose job was gone. */
  readonly recreated: number;
  /** Events marked dead whose job had ended in the failed set without the ledger knowing. */
  readonly markedDead: number;
  /** Jobs put back into the failed set, of dead events that the queue did not hold there. */
  readonly buried: number;
  /** Jobs taken out of the failed set whose event was finished after all. */
  readonly forgotten: number;
  /** Events that could not be mended: the next sweep looks at them again. */
  readonly failed: number;
  /** The first of them, at most SWEEP_FAILURES_TOLD. */
  readonly failures: readonly SweepFailure[];
}

/** An event that a sweep could not mend, by its job. */
export interface SweepFailure {
  readonly jobId: string;
  readonly failure: Failure;
}

/** They are the same at every sweep, and one cause may be that of a hundred thousand. */
export const SWEEP_FAILURES_TOLD = 10;

/** Events looked at in one go; the whole backlog is gone through, this many at a time. */
const BATCH = 200;

/** Of the dead, on either side, the latest; older ones were seen by earlier sweeps. */
const DEAD_LOOKED_AT = 1_000;

/** After a queue has lost everything, no more dead jobs are made again than it keeps. */
const DEAD_BURIED_MAX = 100_000;

/**
 * Compares ledger and queue both ways and mends what disagrees. The ledger
 * knows what became of an event, the queue only what is still to be done:
 *
 *   ledger      job                    becomes
 *   received    none, or finished      a new job
 *   received    failed                 dead in the ledger
 *   dead        none, or finished      a failed job
 *   processed   failed                 no job: it was replayed, and an older queue came back
 *   not stored  failed                 stored, and dead
 *
 * What waits or runs is left alone: it will be a duplicate, or do what is
 * missing. An event that cannot be mended, for its body does not open or it
 * cannot be stored, is told of and holds up no other. One worker of the fleet
 * sweeps at a time; null where another is at it. Rejects where ledger or queue is away.
 */
export async function sweep(world: SweepWorld): Promise<Swept | null> {
  return world.store.exclusively('sweep', async () => {
    const failures: SweepFailure[] = [];
    let failed = 0;
    const apart: Apart = async (jobId, work) => {
      try {
        return await work();
      } catch (error) {
        // The world's fault, and so that of every event.
        if (world.store.isOutage(error)) throw error;
        failed += 1;
        if (failures.length < SWEEP_FAILURES_TOLD) failures.push({ jobId, failure: toFailure(error) });
        return null;
      }
    };
    const sweeping = { ...world, apart };
    const unfinished = await sweepUnfinished(sweeping);
    const failedSet = await sweepFailedSet(sweeping);
    const buried = await sweepDead(sweeping);
    return {
      recreated: unfinished.recreated,
      markedDead: unfinished.markedDead + failedSet.markedDead,
      buried,
      forgotten: failedSet.forgotten,
      failed,
      failures,
    };
  });
}

/** Does what one event needs; null where that failed by the event's own fault. */
type Apart = <T>(jobId: string, work: () => Promise<T>) => Promise<T | null>;

/** A sweep under way. */
interface Sweeping extends SweepWorld {
  readonly apart: Apart;
}

async function sweepUnfinished(world: Sweeping): Promise<Pick<Swept, 'recreated' | 'markedDead'>> {
  const before = new Date(world.now().getTime() - world.graceMs);
  let recreated = 0;
  let markedDead = 0;
  let afterId = 0;
  for (;;) {
    const batch = await world.store.unfinishedEvents({ before, afterId, limit: BATCH });
    const last = batch.at(-1);
    if (last === undefined) return { recreated, markedDead };
    const mended = await Promise.all(batch.map((event) => mend(event, world)));
    recreated += mended.filter((result) => result === 'recreated').length;
    markedDead += mended.filter((result) => result === 'marked dead').length;
    afterId = last.id;
  }
}

type Mended = 'recreated' | 'marked dead' | 'in order';

async function mend(event: UnfinishedEvent, world: Sweeping): Promise<Mended | null> {
  // Outside of what is the event's own: a queue that is away ends the sweep.
  const place = await world.queue.placeOf(event.jobId);
  switch (place) {
    case 'waiting':
    case 'active':
    case 'delayed':
      return 'in order';
    case 'missing':
    case 'completed':
      return world.apart<Mended>(event.jobId, async () => {
        await world.queue.recreate(await world.store.deliveryOfStoredEvent(event.id, world.newId()));
        return 'recreated';
      });
    case 'failed':
      return world.apart<Mended>(event.jobId, async () => {
        // Looks again under the row's lock: a repetition may have put it back to work, and be through by now.
        const delivery = await world.store.deliveryOfStoredEvent(event.id, world.newId());
        const isMarked = await markDead({ jobId: event.jobId, delivery, reason: 'the queue gave the job up' }, world);
        return isMarked ? 'marked dead' : 'in order';
      });
  }
}

/** Goes on past the latest deaths for as long as it finds something to mend. */
async function sweepDead(world: Sweeping): Promise<number> {
  const before = new Date(world.now().getTime() - world.graceMs);
  let looked = 0;
  let buried = 0;
  let after: DeadEvent | null = null;
  for (;;) {
    const batch: readonly DeadEvent[] = await world.store.latestDeaths({ before, after, limit: BATCH });
    const mended = (await Promise.all(batch.map((event) => bury(event, world)))).filter(Boolean).length;
    looked += batch.length;
    buried += mended;
    after = batch.at(-1) ?? null;
    if (after === null || looked >= DEAD_BURIED_MAX || (looked >= DEAD_LOOKED_AT && mended === 0)) return buried;
  }
}

/** True where the queue did not hold the dead event's job as failed. */
async function bury(event: DeadEvent, world: Sweeping): Promise<boolean> {
  const place = await world.queue.placeOf(event.jobId);
  if (place !== 'missing' && place !== 'completed') return false;
  const isBuried = await world.apart(event.jobId, async () => {
    try {
      await world.queue.bury(await world.store.deliveryOfStoredEvent(event.id, world.newId()));
      return true;
    } catch (error) {
      // Past its retention there is nothing left to put into a job; the ledger has it still.
      if (error instanceof PermanentError && error.code === 'body_gone') return false;
      throw error;
    }
  });
  return isBuried === true;
}

async function sweepFailedSet(world: Sweeping): Promise<Pick<Swept, 'markedDead' | 'forgotten'>> {
  const jobs = await world.queue.failedJobs({ from: 0, count: DEAD_LOOKED_AT });
  const settled = world.now().getTime() - world.graceMs;
  const swept = { markedDead: 0, forgotten: 0 };
  for (const job of jobs) {
    if (job.finishedAt !== null && job.finishedAt.getTime() > settled) continue;
    const delivery = readDelivery(job.data);
    // A job that is no delivery has no event to mark.
    if (delivery === null) continue;
    await world.apart(job.jobId, async () => {
      const standing = await world.store.ledgerStandingOf(delivery);
      if (standing === undefined || standing.state === 'received') {
        if (await markDead({ jobId: job.jobId, delivery, reason: job.reason }, world)) swept.markedDead += 1;
        // Another body under its id was never judged; it stays where somebody sees it.
      } else if (standing.state !== 'dead' && standing.bodySha256 === delivery.bodySha256) {
        await world.queue.forgetFailed(job.jobId);
        swept.forgotten += 1;
      }
    });
  }
  return swept;
}

function readDelivery(data: unknown) {
  try {
    return parseDelivery(data);
  } catch {
    return null;
  }
}

/**
 * Asks the queue again while the ledger's row is locked: a replay gives an event back under that lock, and what was seen
 * of the failed set may be from before it, longer ago the busier the machine.
 */
function markDead(
  { jobId, delivery, reason }: { readonly jobId: string; readonly delivery: Delivery; readonly reason: string },
  world: SweepWorld,
): Promise<boolean> {
  return buryDelivery(world.store, delivery, {
    failure: toFailure(new PermanentError('job_abandoned', reason)),
    isLost: async () => (await world.queue.placeOf(jobId)) === 'failed',
  });
}
