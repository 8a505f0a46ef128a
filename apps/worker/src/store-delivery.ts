import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { TransientError } from '@penstock/core/failure';
import type { Provider } from '@penstock/core/provider';
import type { EventTransaction, LedgerStore } from '@penstock/db/ledger-store';
import type { BoundTransmission } from '@penstock/db/transmissions';

/**
 * Stores the event as it came, and binds its transmission to its body: for one that nobody has to be asked about any
 * more. Bound by what is not proven yet, the headers of a genuine event would be a forgery's.
 */
export async function storeDelivery(tx: EventTransaction, delivery: Delivery, ledgerId: number): Promise<void> {
  await tx.storeEvent(ledgerId, delivery);
  const { account, transmissionId, bodySha256 } = delivery;
  if (transmissionId === null) return;
  const bound = await tx.bindTransmission({ account, transmissionId, bodySha256, ledgerId });
  if (bound) return;
  const other = await tx.findTransmission({ account, transmissionId });
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
 * Stores an event before it is acted upon: one that has to wait, or the answer that it will be acted upon by, which
 * alone binds its transmission. Leaves alone what is finished, or is another body.
 */
export async function keepDelivery(
  store: LedgerStore,
  delivery: Delivery,
  fetched: FetchedAnswer | null,
): Promise<void> {
  await store.transaction(async (tx) => {
    const entry = await tx.enterLedger(delivery);
    if (entry.bodySha256 !== delivery.bodySha256 || (entry.state !== 'received' && entry.state !== 'dead')) return;
    if (fetched === null) return tx.storeEvent(entry.id, delivery);
    await storeDelivery(tx, delivery, entry.id);
    await tx.storeConfirmation({ ledgerId: entry.id, ...fetched });
  });
}

/** A transmission id that is bound to another body: somebody has its headers, but this is not what was signed. */
export async function findForgery(
  tx: Pick<EventTransaction, 'findTransmission'>,
  delivery: Delivery,
): Promise<BoundTransmission | undefined> {
  if (delivery.transmissionId === null) return undefined;
  const bound = await tx.findTransmission({ account: delivery.account, transmissionId: delivery.transmissionId });
  return bound !== undefined && bound.bodySha256 !== delivery.bodySha256 ? bound : undefined;
}

/**
 * Whether a delivery with another body than the stored one states the same event. Past its retention only the hash is
 * known: what differs from it does not.
 */
export async function restatesStored(
  tx: Pick<EventTransaction, 'storedBody'>,
  {
    ledgerId,
    delivery,
    provider,
  }: { readonly ledgerId: number; readonly delivery: Delivery; readonly provider: Provider },
): Promise<boolean> {
  const known = await tx.storedBody(ledgerId);
  return known !== null && provider.statesSameEvent(known, decodeBody(delivery.body));
}
