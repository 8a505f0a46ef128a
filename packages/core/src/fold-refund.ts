import { groupedById, isOfKind, latest, type KeyedFact } from './fact-order.ts';
import type { FactOf, RefundStatus } from './payment-event.ts';

/** One refund as all its facts together say. No status is final: a succeeded refund can still fail. */
export interface RefundState {
  readonly id: string;
  readonly status: RefundStatus;
  /** Minor units; null where no fact named it. */
  readonly amount: number | null;
  readonly currency: string | null;
  readonly reason: string | null;
  /** How many distinct facts it was folded from. */
  readonly version: number;
  readonly lastOccurredAtMs: number;
}

/** A folded refund and what only the payment's sum needs to know of its history. */
export interface FoldedRefund {
  readonly state: RefundState;
  /** When the earliest fact about it happened, and whether that fact already said the money came back. */
  readonly first: { readonly occurredAtMs: number; readonly undone: boolean };
  /** Since when the money has been back with the merchant (failed, canceled, reversed); null while it has not. */
  readonly undoneSinceMs: number | null;
}

/** Folds the refunds of a family, sorted by id. The facts must be distinct and in order. */
export function foldRefunds(ordered: readonly KeyedFact[]): readonly FoldedRefund[] {
  return groupedById(ordered.filter(isOfKind('refund'))).map(foldRefund);
}

type RefundFact = KeyedFact<FactOf<'refund'>>;

function foldRefund(facts: readonly [RefundFact, ...RefundFact[]]): FoldedRefund {
  const [first] = facts;
  const last = facts.at(-1) ?? first;
  const lastStanding = facts.findLastIndex((keyed) => !isUndone(keyed.fact.status));
  return {
    state: {
      id: last.fact.id,
      status: last.fact.status,
      amount: latest(facts, (keyed) => keyed.fact.amount),
      currency: latest(facts, (keyed) => keyed.fact.currency),
      reason: latest(facts, (keyed) => keyed.fact.reason),
      version: facts.length,
      lastOccurredAtMs: last.fact.occurredAtMs,
    },
    first: { occurredAtMs: first.fact.occurredAtMs, undone: isUndone(first.fact.status) },
    undoneSinceMs: facts[lastStanding + 1]?.fact.occurredAtMs ?? null,
  };
}

function isUndone(status: RefundStatus): boolean {
  return undone[status];
}

const undone = {
  pending: false,
  requires_action: false,
  succeeded: false,
  failed: true,
  canceled: true,
  reversed: true,
} as const satisfies Record<RefundStatus, boolean>;
