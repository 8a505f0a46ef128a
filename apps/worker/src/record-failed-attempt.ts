import type { Delivery } from '@penstock/core/delivery';
import { TransientError, type Failure } from '@penstock/core/failure';
import type { RetryDecision } from '@penstock/core/retry-policy';
import type { LedgerStore } from '@penstock/db/ledger-store';
import { keepDelivery, storeDelivery } from './store-delivery.ts';

/** An attempt whose transaction was rolled back. */
export interface FailedAttempt {
  readonly delivery: Delivery;
  readonly failure: Failure;
  readonly next: RetryDecision;
  readonly number: number;
  readonly durationMs: number;
  /** True where nobody has to be asked about it any more; a transmission is bound by such an event alone. */
  readonly isProven: boolean;
}

/**
 * Its transaction is gone with everything in it; the event itself must be
 * stored all the same, with what happened to it.
 */
export async function recordFailedAttempt(store: LedgerStore, attempt: FailedAttempt): Promise<'recorded' | 'outage'> {
  const { delivery, failure, next } = attempt;
  try {
    await store.transaction(async (tx) => {
      const entry = await tx.enterLedger(delivery);
      if (entry.bodySha256 !== delivery.bodySha256 || (entry.state !== 'received' && entry.state !== 'dead')) return;
      // A forgery that came first must not keep the genuine event from binding its own transmission.
      if (attempt.isProven) await storeDelivery(tx, delivery, entry.id);
      else await tx.storeEvent(entry.id, delivery);
      await tx.recordAttempt({
        ledgerId: entry.id,
        number: attempt.number,
        durationMs: attempt.durationMs,
        failure,
        retry: next.kind === 'retry' ? next : null,
        handler: null,
      });
      if (next.kind === 'retry') await tx.recordFailure(entry.id, failure);
      else
        await tx.recordDeath(entry.id, {
          failure,
          reason: delivery.shape === 'malformed' ? 'malformed' : next.reason,
        });
    });
    return 'recorded';
  } catch (thrown) {
    // Another worker bound the same transmission at this moment: the next look will see it.
    if (store.isOutage(thrown) || thrown instanceof TransientError) return 'outage';
    throw thrown;
  }
}

/** Stores an event that has to wait, so that it no longer depends on the queue. */
export async function keepWaiting(store: LedgerStore, delivery: Delivery): Promise<'kept' | 'outage'> {
  try {
    await keepDelivery(store, delivery, null);
    return 'kept';
  } catch (thrown) {
    if (store.isOutage(thrown)) return 'outage';
    throw thrown;
  }
}

/**
 * Marks an event dead that the queue gave up on by itself; stores it first where it never was. `isLost` is asked while
 * its row is locked. Returns whether it was marked.
 */
export async function buryDelivery(
  store: LedgerStore,
  delivery: Delivery,
  { failure, isLost = async () => true }: { readonly failure: Failure; readonly isLost?: () => Promise<boolean> },
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const entry = await tx.enterLedger(delivery);
    if (entry.state !== 'received' || entry.bodySha256 !== delivery.bodySha256) return false;
    if (!(await isLost())) return false;
    // Its transmission stays free: it may be another event's, which was never looked at.
    await tx.storeEvent(entry.id, delivery);
    await tx.recordDeath(entry.id, { failure, reason: 'abandoned' });
    return true;
  });
}
