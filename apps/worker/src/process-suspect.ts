import { setTimeout as delay } from 'node:timers/promises';
import { parseDelivery, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import { recordAttempt } from '@penstock/db/attempts';
import { beginTrial, countCrashes, endTrial } from '@penstock/db/crashes';
import { isDatabaseOutage, type LedgerDatabase } from '@penstock/db/database';
import { enterLedger, recordDeath } from '@penstock/db/ledger';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { processWebhook, type Processed, type ProcessWorld } from './process-webhook.ts';
import { storeDelivery } from './store-delivery.ts';

/** What trying a suspect needs of the world. */
export interface SuspectWorld extends ProcessWorld {
  /** An event that has ended this many workers which had nothing else in hand is dead. */
  readonly crashesMax: number;
  /** Names this worker in the record of a crash. */
  readonly workerName: string;
}

/**
 * One webhook that was in hand when a worker died. It may have killed it, or
 * only have been beside what did, or the machine was switched off: so it is a
 * suspect and no more. The caller sees to it that nothing else is in hand of
 * this process. Before it is tried, the trial is written down, and it is struck
 * out when the process has lived to tell. A trial that stands is a crash which
 * nothing else can have caused; with `crashesMax` of them the event is dead.
 *
 * A worker that is killed with sixteen events in hand makes sixteen suspects,
 * and each is acquitted by its first trial: no number of deployments condemns
 * an event that does not itself take long and meet one every time.
 */
export async function processSuspect(job: QueuedJob, world: SuspectWorld): Promise<Processed> {
  const delivery = readDelivery(job);
  if (delivery === null) return processWebhook(job, world);
  let trial: Trial;
  try {
    trial = await openTrial(delivery, { job, world });
  } catch (thrown) {
    if (isDatabaseOutage(thrown)) return { kind: 'outage', failure: toFailure(thrown) };
    throw thrown;
  }
  if (trial.kind === 'condemned') return trial.processed;
  try {
    return await processWebhook(job, world);
  } finally {
    if (trial.id !== null) await strikeOut(world.db, trial.id);
  }
}

type Trial =
  /** Null where there is nothing to try: it is finished, or another body. */
  { readonly kind: 'open'; readonly id: number | null } | { readonly kind: 'condemned'; readonly processed: Processed };

async function openTrial(
  delivery: Delivery,
  { job, world }: { readonly job: QueuedJob; readonly world: SuspectWorld },
): Promise<Trial> {
  return world.db.transaction().execute(async (tx) => {
    const entry = await enterLedger(tx, delivery);
    if (entry.state === 'processed' || entry.state === 'ignored' || entry.bodySha256 !== delivery.bodySha256)
      return { kind: 'open', id: null };
    await storeDelivery(tx, delivery, entry.id);
    const crashes = await countCrashes(tx, entry.id);
    if (crashes < world.crashesMax)
      return { kind: 'open', id: await beginTrial(tx, { ledgerId: entry.id, worker: world.workerName }) };

    const error = new PermanentError(
      'worker_crashed',
      `${crashes} workers died of this event, with nothing else in hand`,
    );
    const failure = toFailure(error);
    await recordAttempt(tx, {
      ledgerId: entry.id,
      number: job.attempt,
      durationMs: 0,
      failure,
      retry: null,
      handler: null,
    });
    await recordDeath(tx, entry.id, { failure, reason: 'poison' });
    const next = { kind: 'dead', reason: 'poison' } as const;
    return {
      kind: 'condemned',
      processed: { kind: 'failed', delivery, handlers: [], moved: [], failure, next, error },
    };
  });
}

/** A database that is away must not make a crash of what was none; after this many seconds it does. */
const STRIKE_OUT_TRIES = 60;

async function strikeOut(db: LedgerDatabase, id: number): Promise<void> {
  for (let left = STRIKE_OUT_TRIES; ; left -= 1) {
    try {
      await endTrial(db, id);
      return;
    } catch (error) {
      if (left <= 1) throw error;
      await delay(1_000);
    }
  }
}

function readDelivery(job: QueuedJob): Delivery | null {
  try {
    return parseDelivery(job.data);
  } catch {
    return null;
  }
}
