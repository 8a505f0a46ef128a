import { groupedById, isOfKind, latest, type KeyedFact } from './fact-order.ts';
import type { DisputeFunds, DisputeStatus, FactOf } from './payment-event.ts';

/** One dispute as all its facts together say. No status is final: a lost one can be reinstated as won. */
export interface DisputeState {
  readonly id: string;
  /** `needs_response` where only movements of its funds are known. */
  readonly status: DisputeStatus;
  /** Where the disputed money is, by the latest fact that says so. */
  readonly funds: DisputeFunds;
  /** Minor units; null where no fact named it. */
  readonly amount: number | null;
  readonly currency: string | null;
  readonly reason: string | null;
  /** How many distinct facts it was folded from. */
  readonly version: number;
  readonly lastOccurredAtMs: number;
}

/** What a payment's disputes come to, for its row. */
export type PaymentDisputeState = 'none' | 'inquiry' | 'open' | 'won' | 'lost';

/** Folds the disputes of a family, sorted by id. The facts must be distinct and in order. */
export function foldDisputes(ordered: readonly KeyedFact[]): readonly DisputeState[] {
  return groupedById(ordered.filter(isOfKind('dispute'))).map(foldDispute);
}

/** The most pressing first: something to answer, then money lost, then an inquiry, then what ended well. */
export function summarizeDisputes(disputes: readonly DisputeState[]): PaymentDisputeState {
  const states = new Set<PaymentDisputeState>(disputes.map((dispute) => meanings[dispute.status]));
  return pressing.find((state) => states.has(state)) ?? 'none';
}

type DisputeFact = KeyedFact<FactOf<'dispute'>>;

function foldDispute(facts: readonly [DisputeFact, ...DisputeFact[]]): DisputeState {
  const [first] = facts;
  const { id, occurredAtMs } = (facts.at(-1) ?? first).fact;
  return {
    id,
    status: latest(facts, (keyed) => keyed.fact.status) ?? 'needs_response',
    funds: latest(facts, (keyed) => keyed.fact.funds) ?? 'none',
    amount: latest(facts, (keyed) => keyed.fact.amount),
    currency: latest(facts, (keyed) => keyed.fact.currency),
    reason: latest(facts, (keyed) => keyed.fact.reason),
    version: facts.length,
    lastOccurredAtMs: occurredAtMs,
  };
}

const pressing = ['open', 'lost', 'inquiry', 'won'] as const satisfies readonly PaymentDisputeState[];

const meanings = {
  inquiry: 'inquiry',
  needs_response: 'open',
  under_review: 'open',
  won: 'won',
  lost: 'lost',
  accepted: 'lost',
  expired: 'lost',
  canceled: 'won',
  prevented: 'won',
} as const satisfies Record<DisputeStatus, PaymentDisputeState>;
