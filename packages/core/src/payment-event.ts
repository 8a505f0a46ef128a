import * as z from 'zod';

/**
 * The canonical vocabulary: what providers' events say about payments,
 * refunds, disputes and payouts, in one language.
 *
 * A fact is keyed, absolute and never an increment: "the refund re_1 of 500
 * succeeded", not "500 more was refunded". That is what lets a set of facts be
 * folded in any order, any number of times, to one result (payment.ts).
 */

export const paymentStatuses = [
  'created',
  'requires_action',
  'pending',
  'authorized',
  'failed',
  'canceled',
  'expired',
  'partially_captured',
  'captured',
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const refundStatuses = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled', 'reversed'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

export const disputeStatuses = [
  'inquiry',
  'needs_response',
  'under_review',
  'won',
  'lost',
  'accepted',
  'expired',
  'canceled',
  'prevented',
] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

const disputeFunds = ['none', 'withdrawn', 'reinstated'] as const;
export type DisputeFunds = (typeof disputeFunds)[number];

export const payoutStatuses = [
  'pending',
  'in_transit',
  'paid',
  'failed',
  'canceled',
  'returned',
  'unclaimed',
  'held',
] as const;
export type PayoutStatus = (typeof payoutStatuses)[number];

/** Printable ASCII: what providers' identifiers are made of, and what logs, URLs and text columns take. */
const identifier = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/** ISO 4217 alphabetic code, upper case. */
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a three-letter ISO 4217 code');

/** Minor units (cents). */
const amount = z.int().nonnegative();

/**
 * One of the names a payment goes by: `payment:…` where the provider has one
 * kind of id, else `payment_intent:pi_1`, `charge:ch_1`,
 * `order:…`, `authorization:…`, `capture:…`, `sale:…`. Facts that share a reference
 * belong to one payment.
 */
const reference = z.templateLiteral([
  z.enum(['payment', 'payment_intent', 'charge', 'order', 'authorization', 'capture', 'sale']),
  ':',
  identifier,
]);
export type PaymentReference = z.infer<typeof reference>;

/** Epoch milliseconds at which the provider says the fact became true. */
const occurredAtMs = z.int().nonnegative();

/**
 * How late in its object's life a fact of this kind comes, where the provider
 * proves what happened but not when (Adyen): facts are ordered by it before
 * the time, which then decides nothing. Absent is 0, as for all others.
 */
const stage = z.int().nonnegative().optional();

/**
 * True of what the provider's API said when it was asked how its object stands
 * (snapshot.ts): it covers everything that happened before, and what that left
 * contradictory. What occurs at the same moment comes after it.
 */
const snapshot = z.literal(true).optional();

const paymentFact = z.strictObject({
  kind: z.literal('payment'),
  occurredAtMs,
  stage,
  snapshot,
  references: z.array(reference).min(1),
  /** Absent where the event tells about the payment without saying where it stands. */
  status: z.enum(paymentStatuses).optional(),
  /** What the payment is for in total. */
  amount: amount.optional(),
  currency: currency.optional(),
  /** Money captured so far under one key; the greatest per key counts, keys add up. */
  captured: z.strictObject({ key: identifier, amount }).optional(),
  /** Money refunded so far, as the provider's snapshot of the whole payment says. */
  refundedTotal: amount.optional(),
  failureCode: z.string().max(255).optional(),
});

const refundFact = z.strictObject({
  kind: z.literal('refund'),
  occurredAtMs,
  stage,
  snapshot,
  id: identifier,
  references: z.array(reference),
  status: z.enum(refundStatuses),
  amount: amount.optional(),
  currency: currency.optional(),
  reason: z.string().max(255).optional(),
});

const disputeFact = z.strictObject({
  kind: z.literal('dispute'),
  occurredAtMs,
  stage,
  snapshot,
  id: identifier,
  references: z.array(reference),
  /** Absent where the event only moves the funds. */
  status: z.enum(disputeStatuses).optional(),
  funds: z.enum(disputeFunds).optional(),
  amount: amount.optional(),
  currency: currency.optional(),
  reason: z.string().max(255).optional(),
});

const payoutFact = z.strictObject({
  kind: z.literal('payout'),
  occurredAtMs,
  stage,
  snapshot,
  id: identifier,
  status: z.enum(payoutStatuses),
  amount: amount.optional(),
  currency: currency.optional(),
  failureCode: z.string().max(255).optional(),
});

/** A fact as stored in Postgres; parsed again when read. */
export const paymentFactSchema = z.discriminatedUnion('kind', [paymentFact, refundFact, disputeFact, payoutFact]);

export type PaymentFact = z.infer<typeof paymentFactSchema>;
export type FactOf<Kind extends PaymentFact['kind']> = Extract<PaymentFact, { kind: Kind }>;

/** Canonical event types that handlers are registered by. */
export type CanonicalType =
  | `payment.${PaymentStatus | 'updated'}`
  | `refund.${RefundStatus}`
  | `dispute.${DisputeStatus | 'updated'}`
  | `payout.${PayoutStatus}`;

/** `payment.captured`, `refund.failed`, …; `payment.updated` where a fact names no status. */
export function canonicalType(fact: PaymentFact): CanonicalType {
  switch (fact.kind) {
    case 'payment':
      return `payment.${fact.status ?? 'updated'}`;
    case 'refund':
      return `refund.${fact.status}`;
    case 'dispute':
      return `dispute.${fact.status ?? 'updated'}`;
    case 'payout':
      return `payout.${fact.status}`;
  }
}
