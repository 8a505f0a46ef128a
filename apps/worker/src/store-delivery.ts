import type { Delivery } from '@penstock/core/delivery';
import { TransientError } from '@penstock/core/failure';
import { storeConfirmation } from '@penstock/db/confirmations';
import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import { storeEvent } from '@penstock/db/events';
import { enterLedger } from '@penstock/db/ledger';
import { bindTransmission, findTransmission } from '@penstock/db/transmissions';

/** Stores the event as it came, and binds its transmission to its body. */
export async function storeDelivery(tx: LedgerTransaction, delivery: Delivery, ledgerId: number): Promise<void> {
  await storeEvent(tx, ledgerId, delivery);
  const { account, transmissionId, bodySha256 } = delivery;
  if (transmissionId === null) return;
  const bound = await bindTransmission(tx, { account, transmissionId, bodySha256, ledgerId });
  if (bound) return;
  const other = await findTransmission(tx, { account, transmissionId });
  // Another worker bound it to another body between our look and our insert.
  if (other?.bodySha256 !== bodySha256)
    throw new TransientError(
      'transmission_contested',
      'the transmission id was bound to another body at this very moment',
    );
}

/** What the provider's API said of a delivery. */
export interface FetchedAnswer {
  readonly answer: Buffer;
  readonly source: string;
  readonly at: Date;
  /** Whether the delivery's own body says something else about payments. */
  readonly disagrees: boolean;
}

/**
 * Stores an event before it is acted upon: one that has to wait, or the answer
 * that it will be acted upon by. Leaves alone what is finished, or is another body.
 */
export async function keepDelivery(
  db: LedgerDatabase,
  delivery: Delivery,
  fetched: FetchedAnswer | null,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const entry = await enterLedger(tx, delivery);
    if (entry.state === 'processed' || entry.state === 'ignored' || entry.bodySha256 !== delivery.bodySha256) return;
    await storeDelivery(tx, delivery, entry.id);
    if (fetched !== null) await storeConfirmation(tx, { ledgerId: entry.id, ...fetched });
  });
}
