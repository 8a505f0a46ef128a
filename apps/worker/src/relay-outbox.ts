import type { LedgerDatabase } from '@penstock/db/database';
import { relayPending, restingDeliveries, touchDeliveries } from '@penstock/db/outbox-deliveries';
import type { OutboxQueue } from '@penstock/runtime/outbox-queue';

/** How often the outbox is looked at: the most that a message waits before it is queued. */
export const RELAY_MS = 250;

/** How often deliveries are compared with the second queue. */
export const RELAY_REPAIR_MS = 15_000;

/** One transaction's worth; the rest follows at once. */
const BATCH_MAX = 500;

/** A delivery that nobody has touched for so long may have lost its job. */
const REST_MS = 60_000;

export interface RelayWorld {
  readonly db: LedgerDatabase;
  readonly queue: Pick<OutboxQueue, 'add' | 'lost' | 'retry'>;
  readonly now: () => Date;
}

/** Moves what was promised into the second queue. Returns how much. */
export async function relayOutbox({ db, queue }: RelayWorld): Promise<number> {
  let relayed = 0;
  for (;;) {
    const count = await relayPending(db, { limit: BATCH_MAX, enqueue: queue.add });
    relayed += count;
    if (count < BATCH_MAX) return relayed;
  }
}

/** Puts back what the second queue no longer knows, or has given up though it is to be sent. Returns how much. */
export async function repairOutbox({ db, queue, now }: RelayWorld): Promise<number> {
  const before = new Date(now().getTime() - REST_MS);
  const resting = await restingDeliveries(db, { before, limit: BATCH_MAX });
  const lost = await queue.lost(resting);
  if (lost.length > 0) await queue.retry(lost);
  await touchDeliveries(db, resting);
  return lost.length;
}
