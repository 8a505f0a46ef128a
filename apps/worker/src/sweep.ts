import { parseDelivery, type Delivery } from '@penstock/core/delivery';
import { toFailure, PermanentError } from '@penstock/core/failure';
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
}

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
 * missing. One worker of the fleet sweeps at a time; null where another is at it.
 */
export async function sweep(world: SweepWorld): Promise<Swept | null> {
  return world.store.exclusively('sweep', async () => {
    const unfinished = await sweepUnfinished(world);
    const failedSet = await sweepFailedSet(world);
    return {
      recreated: unfinished.recreated,
      markedDead: unfinished.markedDead + failedSet.markedDead,
      buried: await sweepDead(world),
      forgotten: failedSet.forgotten,
    };
  });
}

async function sweepUnfinished(world: SweepWorld): Promise<Pick<Swept, 'recreated' | 'markedDead'>> {
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

async function mend(event: UnfinishedEvent, world: SweepWorld): Promise<'recreated' | 'marked dead' | 'in order'> {
  const place = await world.queue.placeOf(event.jobId);
  switch (place) {
    case 'waiting':
    case 'active':
    case 'delayed':
      return 'in order';
    case 'missing':
    case 'completed':
      await world.queue.recreate(await world.store.deliveryOfStoredEvent(event.id, world.newId()));
      return 'recreated';
    case 'failed': {
      // Looks again under the row's lock: a repetition may have put it back to work, and be through by now.
      const delivery = await world.store.deliveryOfStoredEvent(event.id, world.newId());
      const isMarked = await markDead({ jobId: event.jobId, delivery, reason: 'the queue gave the job up' }, world);
      return isMarked ? 'marked dead' : 'in order';
    }
  }
}

/** Goes on past the latest deaths for as long as it finds something to mend. */
async function sweepDead(world: SweepWorld): Promise<number> {
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
async function bury(event: DeadEvent, world: SweepWorld): Promise<boolean> {
  const place = await world.queue.placeOf(event.jobId);
  if (place !== 'missing' && place !== 'completed') return false;
  try {
    await world.queue.bury(await world.store.deliveryOfStoredEvent(event.id, world.newId()));
    return true;
  } catch (error) {
    // Past its retention there is nothing left to put into a job; the ledger has it still.
    if (error instanceof PermanentError && error.code === 'body_gone') return false;
    throw error;
  }
}

async function sweepFailedSet(world: SweepWorld): Promise<Pick<Swept, 'markedDead' | 'forgotten'>> {
  const jobs = await world.queue.failedJobs({ from: 0, count: DEAD_LOOKED_AT });
  const settled = world.now().getTime() - world.graceMs;
  const swept = { markedDead: 0, forgotten: 0 };
  for (const job of jobs) {
    if (job.finishedAt !== null && job.finishedAt.getTime() > settled) continue;
    const delivery = readDelivery(job.data);
    // A job that is no delivery has no event to mark.
    if (delivery === null) continue;
    const standing = await world.store.ledgerStandingOf(delivery);
    if (standing === undefined || standing.state === 'received') {
      if (await markDead({ jobId: job.jobId, delivery, reason: job.reason }, world)) swept.markedDead += 1;
      // Another body under its id was never judged; it stays where somebody sees it.
    } else if (standing.state !== 'dead' && standing.bodySha256 === delivery.bodySha256) {
      await world.queue.forgetFailed(job.jobId);
      swept.forgotten += 1;
    }
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
