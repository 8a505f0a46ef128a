import { distinctInOrder, isOfKind, latest, type KeyedFact } from './fact-order.ts';
import type { PayoutStatus } from './payment-event.ts';

/** One payout as all its facts together say. No status is final: a paid one can still fail or come back. */
export interface PayoutState {
  readonly id: string;
  readonly status: PayoutStatus;
  /** Minor units; null where no fact named it. */
  readonly amount: number | null;
  readonly currency: string | null;
  /** Why it last failed, as last named; null while it stands at `paid`. */
  readonly failureCode: string | null;
  /** How many distinct facts it was folded from. */
  readonly version: number;
  readonly lastOccurredAtMs: number;
}

/**
 * Folds the facts of one payout, in any order and with any repetition, to its
 * state. Throws Error when given no payout fact: there is nothing to name then.
 */
export function foldPayout(facts: readonly KeyedFact[]): PayoutState {
  const ordered = distinctInOrder(facts).filter(isOfKind('payout'));
  const last = ordered.at(-1);
  if (last === undefined) throw new Error('foldPayout was given no payout fact.');
  const { id, status, occurredAtMs } = last.fact;
  return {
    id,
    status,
    amount: latest(ordered, (keyed) => keyed.fact.amount),
    currency: latest(ordered, (keyed) => keyed.fact.currency),
    failureCode: status === 'paid' ? null : latest(ordered, (keyed) => keyed.fact.failureCode),
    version: ordered.length,
    lastOccurredAtMs: occurredAtMs,
  };
}
