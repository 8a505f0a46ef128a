import { parseDelivery, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure } from '@penstock/core/failure';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import { processWebhook, type Processed, type ProcessWorld } from './process-webhook.ts';
import { findForgery, restatesStored } from './store-delivery.ts';

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
    if (world.store.isOutage(thrown)) return { kind: 'outage', failure: toFailure(thrown) };
    throw thrown;
  }
  if (trial.kind === 'condemned') return trial.processed;
  try {
    return await processWebhook(job, world);
  } finally {
    if (trial.id !== null) await strikeOut(trial.id, world);
  }
}

type Trial =
  /** Null where there is nothing to try: it is finished, or another body. */
  { readonly kind: 'open'; readonly id: number | null } | { readonly kind: 'condemned'; readonly processed: Processed };

async function openTrial(
  delivery: Delivery,
  { job, world }: { readonly job: QueuedJob; readonly world: SuspectWorld },
): Promise<Trial> {
  return world.store.transaction(async (tx) => {
    // It ends as a collision, and never reaches what could crash.
    if ((await findForgery(tx, delivery)) !== undefined) return { kind: 'open', id: null };
    const entry = await tx.enterLedger(delivery);
    if (entry.state !== 'received' && entry.state !== 'dead') return { kind: 'open', id: null };
    if (entry.bodySha256 !== delivery.bodySha256) {
      // Of a rendering, what is stored is worked on, and may be what workers die of.
      const provider = world.provider(delivery.provider);
      const restates = provider !== undefined && (await restatesStored(tx, { ledgerId: entry.id, delivery, provider }));
      if (!restates) return { kind: 'open', id: null };
    }
    // Its transmission stays free: nobody was asked about it yet.
    await tx.storeEvent(entry.id, delivery);
    const crashes = await tx.countCrashes(entry.id);
    if (crashes < world.crashesMax)
      return { kind: 'open', id: await tx.beginTrial({ ledgerId: entry.id, worker: world.workerName }) };

    const error = new PermanentError(
      'worker_crashed',
      `${crashes} workers died of this event, with nothing else in hand`,
    );
    const failure = toFailure(error);
    await tx.recordAttempt({
      ledgerId: entry.id,
      number: job.attempt,
      durationMs: 0,
      failure,
      retry: null,
      handler: null,
    });
    await tx.recordDeath(entry.id, { failure, reason: 'poison' });
    const next = { kind: 'dead', reason: 'poison' } as const;
    return {
      kind: 'condemned',
      processed: { kind: 'failed', delivery, handlers: [], moved: [], failure, next, error },
    };
  });
}

/** A database that is away must not make a crash of what was none; after this many seconds it does. */
const STRIKE_OUT_TRIES = 60;

async function strikeOut(id: number, world: Pick<ProcessWorld, 'store' | 'after'>): Promise<void> {
  for (let left = STRIKE_OUT_TRIES; ; left -= 1) {
    try {
      await world.store.endTrial(id);
      return;
    } catch (error) {
      if (left <= 1) throw error;
      await new Promise<void>((resume) => world.after(1_000, resume));
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
