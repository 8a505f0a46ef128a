import { sql } from 'kysely';
import { parseDelivery } from '@penstock/core/delivery';
import { toFailure, PermanentError } from '@penstock/core/failure';
import type { LedgerDatabase } from '@penstock/db/database';
import { deliveryOfStoredEvent } from '@penstock/db/events';
import { ledgerStateOf, recordDeath, unfinishedEvents, type UnfinishedEvent } from '@penstock/db/ledger';
import type { FailedJob, WebhookQueue } from '@penstock/runtime/webhook-queue';
import { buryDelivery } from './record-failed-attempt.ts';

/** What sweeping needs of the world. */
export interface SweepWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<WebhookQueue, 'placeOf' | 'recreate' | 'failedJobs'>;
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
}

/** Events looked at in one go; the whole backlog is gone through, this many at a time. */
const BATCH = 200;

/** Of the failed set, newest first; older ones were seen by earlier sweeps. */
const FAILED_LOOKED_AT = 1_000;

/** "penstock sweep" in PostgreSQL's space of advisory locks. */
const SWEEP_LOCK = 7_365_706;

/**
 * Compares ledger and queue both ways and mends what disagrees: a stored event
 * without a job gets one, a failed job without a dead event gets that. One
 * worker of the fleet sweeps at a time; null where another is at it.
 */
export async function sweep(world: SweepWorld): Promise<Swept | null> {
  return world.db.transaction().execute(async (lock) => {
    const {
      rows: [row],
    } = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as held`.execute(lock);
    if (row?.held !== true) return null;
    // It holds the lock, nothing else, for as long as a large backlog takes.
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(lock);
    const fromLedger = await sweepLedger(world);
    const fromQueue = await sweepFailedSet(world);
    return { recreated: fromLedger.recreated, markedDead: fromLedger.markedDead + fromQueue };
  });
}

async function sweepLedger(world: SweepWorld): Promise<Swept> {
  const before = new Date(world.now().getTime() - world.graceMs);
  let recreated = 0;
  let markedDead = 0;
  let afterId = 0;
  for (;;) {
    const batch = await unfinishedEvents(world.db, { before, afterId, limit: BATCH });
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
      await world.queue.recreate(await deliveryOfStoredEvent(world.db, event.id, world.newId()));
      return 'recreated';
    case 'failed':
      await world.db
        .transaction()
        .execute((tx) =>
          recordDeath(tx, event.id, { failure: abandoned('the queue gave the job up'), reason: 'abandoned' }),
        );
      return 'marked dead';
  }
}

async function sweepFailedSet(world: SweepWorld): Promise<number> {
  const jobs = await world.queue.failedJobs({ from: 0, count: FAILED_LOOKED_AT });
  const settled = world.now().getTime() - world.graceMs;
  let markedDead = 0;
  for (const job of jobs) {
    if (job.finishedAt !== null && job.finishedAt.getTime() > settled) continue;
    if (await bury(job, world)) markedDead += 1;
  }
  return markedDead;
}

/** True where the ledger did not know yet. A job that is no delivery has no event to mark. */
async function bury(job: FailedJob, world: SweepWorld): Promise<boolean> {
  const delivery = readDelivery(job.data);
  if (delivery === null) return false;
  const state = await ledgerStateOf(world.db, delivery);
  if (state !== undefined && state !== 'received') return false;
  await buryDelivery(world.db, delivery, abandoned(job.reason));
  return true;
}

function readDelivery(data: unknown) {
  try {
    return parseDelivery(data);
  } catch {
    return null;
  }
}

function abandoned(reason: string) {
  return toFailure(new PermanentError('job_abandoned', reason));
}
