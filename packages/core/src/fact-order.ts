import type { DisputeStatus, FactOf, PaymentFact, PaymentStatus, PayoutStatus, RefundStatus } from './payment-event.ts';

/**
 * A fact with its place: the provider's id of the event that states it and its
 * index among the facts of that event. One (eventId, ordinal) names one fact,
 * through whichever endpoint and however often it arrived; two different
 * bodies under one event id are a collision, refused before any folding.
 */
export interface KeyedFact<Fact extends PaymentFact = PaymentFact> {
  readonly eventId: string;
  readonly ordinal: number;
  readonly fact: Fact;
}

/**
 * The one order all folding happens in: the stage, for providers whose times
 * are not authentic, then when the provider says it happened, what was fetched
 * at that moment first, then how far along the status is, then the event id by
 * code unit, then the ordinal. Total over distinct keys, so it does not depend
 * on arrival.
 */
export function compareKeyedFacts(a: KeyedFact, b: KeyedFact): number {
  return (
    (a.fact.stage ?? 0) - (b.fact.stage ?? 0) ||
    a.fact.occurredAtMs - b.fact.occurredAtMs ||
    Number(b.fact.snapshot ?? false) - Number(a.fact.snapshot ?? false) ||
    rankOf(a.fact) - rankOf(b.fact) ||
    compareText(a.eventId, b.eventId) ||
    a.ordinal - b.ordinal
  );
}

/**
 * How far along its status is: what orders facts of the same millisecond,
 * because Stripe's clock only has seconds. A fact without a status ranks
 * lowest (-1): it moves nothing, and what it says about amounts yields to a
 * fact of the same moment that also says where things stand.
 */
export function rankOf(fact: PaymentFact): number {
  switch (fact.kind) {
    case 'payment':
      return fact.status === undefined ? -1 : paymentRanks[fact.status];
    case 'refund':
      return refundRanks[fact.status];
    case 'dispute':
      return fact.status === undefined ? -1 : disputeRanks[fact.status];
    case 'payout':
      return payoutRanks[fact.status];
  }
}

/** Every fact once, in the order of compareKeyedFacts. */
export function distinctInOrder(facts: readonly KeyedFact[]): readonly KeyedFact[] {
  const byKey = new Map(facts.map((keyed) => [`${keyed.ordinal} ${keyed.eventId}`, keyed]));
  return [...byKey.values()].sort(compareKeyedFacts);
}

/** Narrows keyed facts to one kind. */
export function isOfKind<Kind extends PaymentFact['kind']>(
  kind: Kind,
): (keyed: KeyedFact) => keyed is KeyedFact<FactOf<Kind>> {
  return (keyed): keyed is KeyedFact<FactOf<Kind>> => keyed.fact.kind === kind;
}

/**
 * The facts of each thing that has an id of its own, sorted by id. No group is
 * empty, and each keeps the order in which its facts were given.
 */
export function groupedById<Keyed extends KeyedFact<FactOf<'refund' | 'dispute'>>>(
  ordered: readonly Keyed[],
): readonly (readonly [Keyed, ...Keyed[]])[] {
  const groups = new Map<string, [Keyed, ...Keyed[]]>();
  for (const keyed of ordered) {
    const group = groups.get(keyed.fact.id);
    if (group === undefined) groups.set(keyed.fact.id, [keyed]);
    else group.push(keyed);
  }
  return [...groups.values()].sort(([one], [other]) => compareText(one.fact.id, other.fact.id));
}

/** What the last fact that names it says; null where none does. The facts must be in order. */
export function latest<Item, Value>(items: readonly Item[], read: (item: Item) => Value | undefined): Value | null {
  return items.map(read).findLast((value) => value !== undefined) ?? null;
}

/** By UTF-16 code unit: the same on every machine, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Capture outranks failure: a retried attempt can fail and then capture in one second. */
const paymentRanks = {
  created: 0,
  requires_action: 1,
  pending: 2,
  authorized: 3,
  failed: 4,
  canceled: 5,
  expired: 5,
  partially_captured: 6,
  captured: 7,
} as const satisfies Record<PaymentStatus, number>;

const refundRanks = {
  pending: 0,
  requires_action: 1,
  succeeded: 2,
  failed: 3,
  canceled: 4,
  reversed: 5,
} as const satisfies Record<RefundStatus, number>;

/** Won is last among the closed: what changes after closing is a loss being reinstated. */
const disputeRanks = {
  inquiry: 0,
  needs_response: 1,
  under_review: 2,
  accepted: 3,
  expired: 3,
  canceled: 3,
  prevented: 3,
  lost: 3,
  won: 4,
} as const satisfies Record<DisputeStatus, number>;

const payoutRanks = {
  pending: 0,
  in_transit: 1,
  held: 2,
  unclaimed: 2,
  paid: 3,
  failed: 4,
  canceled: 4,
  returned: 4,
} as const satisfies Record<PayoutStatus, number>;
