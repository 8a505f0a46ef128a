import { latest, type KeyedFact } from './fact-order.ts';
import type { FoldedRefund } from './fold-refund.ts';
import type { FactOf } from './payment-event.ts';

/** What a payment's facts come to in money, in minor units. */
export interface PaymentAmounts {
  /** What the payment is for, as last named; null where no fact names it. */
  readonly named: number | null;
  /** Null where no fact says what was captured, which is not the same as nothing. */
  readonly captured: number | null;
  readonly refunded: number;
  readonly refundState: 'none' | 'partial' | 'full';
  readonly conflict: string | null;
}

/** Adds up a family. The facts must be distinct and in order. */
export function foldAmounts(family: {
  readonly payments: readonly KeyedFact<FactOf<'payment'>>[];
  readonly refunds: readonly FoldedRefund[];
}): PaymentAmounts {
  const captured = capturedBy(family.payments);
  const refunded = refundedBy(family.payments, family.refunds);
  return {
    named: latest(family.payments, (keyed) => keyed.fact.amount),
    captured,
    refunded,
    refundState: refundStateOf({ refunded, captured: captured ?? 0 }),
    conflict: captured !== null && refunded > captured ? 'refunded_more_than_captured' : null,
  };
}

/**
 * The greatest amount under each key, keys added up: a capture only grows, and
 * there may be several. What was fetched takes the place of what was said of its key before.
 */
function capturedBy(payments: readonly KeyedFact<FactOf<'payment'>>[]): number | null {
  const byKey = new Map<string, number>();
  for (const { fact } of payments) {
    if (fact.captured === undefined) continue;
    const before = fact.snapshot === true ? 0 : (byKey.get(fact.captured.key) ?? 0);
    byKey.set(fact.captured.key, Math.max(before, fact.captured.amount));
  }
  return byKey.size === 0 ? null : sum([...byKey.values()]);
}

/**
 * Two witnesses, the greater believed: the refunds known one by one, and the
 * provider's own running total, less what has come back since it was drawn up.
 * Each alone falls short when an event has not arrived.
 */
function refundedBy(payments: readonly KeyedFact<FactOf<'payment'>>[], refunds: readonly FoldedRefund[]): number {
  const succeeded = sum(refunds.map(({ state }) => (state.status === 'succeeded' ? (state.amount ?? 0) : 0)));
  const snapshot = latestSnapshot(payments);
  if (snapshot === null) return succeeded;
  const undoneSince = sum(
    refunds.map((refund) => (isUndoneSince(refund, snapshot.occurredAtMs) ? (refund.state.amount ?? 0) : 0)),
  );
  return Math.max(succeeded, snapshot.total - undoneSince, 0);
}

/** The newest running total; of several in one millisecond the greatest, as refunds add up within a second. */
function latestSnapshot(
  payments: readonly KeyedFact<FactOf<'payment'>>[],
): { readonly total: number; readonly occurredAtMs: number } | null {
  const totals = payments.flatMap(({ fact }) =>
    fact.refundedTotal === undefined ? [] : [{ total: fact.refundedTotal, occurredAtMs: fact.occurredAtMs }],
  );
  const newest = totals.at(-1);
  if (newest === undefined) return null;
  const rivals = totals.filter((snapshot) => snapshot.occurredAtMs === newest.occurredAtMs);
  return {
    total: rivals.reduce((greatest, rival) => Math.max(greatest, rival.total), 0),
    occurredAtMs: newest.occurredAtMs,
  };
}

/**
 * Whether the total counts a refund that has come back since. A refund first
 * seen standing after the total was drawn up cannot be in it.
 */
function isUndoneSince(refund: FoldedRefund, snapshotAtMs: number): boolean {
  const isInSnapshot = refund.first.undone || refund.first.occurredAtMs <= snapshotAtMs;
  return isInSnapshot && refund.undoneSinceMs !== null && refund.undoneSinceMs > snapshotAtMs;
}

function refundStateOf(amounts: { readonly refunded: number; readonly captured: number }): 'none' | 'partial' | 'full' {
  if (amounts.refunded === 0) return 'none';
  return amounts.captured > 0 && amounts.refunded >= amounts.captured ? 'full' : 'partial';
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
