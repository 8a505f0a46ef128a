import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import type { DisputeStatus, FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';

/**
 * What Razorpay's payment, refund and dispute events say; an empty list for
 * the rest. Each carries a snapshot of its entity at the event's `created_at`.
 * Amounts are ISO 4217 minor units as sent, zero- and three-decimal
 * currencies included. Source: razorpay.com/docs/webhooks/payments, /refunds,
 * /disputes; razorpay.com/docs/api, the entities.
 */
export function translateRazorpay(body: Buffer): readonly PaymentFact[] {
  const { event, payload, created_at } = readBody(body, envelope);
  const entityOf = <Schema extends z.ZodType>(name: string, schema: Schema): z.output<Schema> => {
    const { entity } = readPart({ schema: holder, value: payload?.[name], path: `payload.${name}` });
    return readPart({ schema, value: entity, path: `payload.${name}.entity` });
  };
  const occurredAtMs = (): number => readPart({ schema: seconds, value: created_at, path: 'created_at' }) * 1000;
  switch (event) {
    case 'payment.pending':
    case 'payment.authorized':
    case 'payment.captured':
    case 'payment.failed':
      return checkFacts([paymentFact(entityOf('payment', payment), occurredAtMs())]);
    case 'refund.created':
    case 'refund.processed':
    case 'refund.failed':
    case 'refund.speed_changed':
      return checkFacts([refundFact(entityOf('refund', refund), occurredAtMs())]);
    case 'payment.dispute.created':
    case 'payment.dispute.under_review':
    case 'payment.dispute.action_required':
    case 'payment.dispute.won':
    case 'payment.dispute.lost':
    case 'payment.dispute.closed':
      return checkFacts([disputeFact(entityOf('dispute', dispute), occurredAtMs())]);
    default:
      return [];
  }
}

const envelope = z.object({
  event: z.string(),
  payload: jsonObject.nullish(),
  created_at: z.unknown().optional(),
});

const holder = z.object({ entity: z.unknown() });
const seconds = z.int().nonnegative().max(253_402_300_799);
const amount = z.int().nonnegative();
const currency = z.string().regex(/^[A-Z]{3}$/);

const payment = z.object({
  id: z.string(),
  amount,
  currency,
  status: z.enum(['created', 'pending', 'authorized', 'captured', 'refunded', 'failed']),
  captured: z.boolean().nullish(),
  amount_refunded: amount.nullish(),
  error_code: z.string().nullish(),
  error_reason: z.string().nullish(),
});

const paymentStatuses = {
  created: 'created',
  pending: 'pending',
  authorized: 'authorized',
  captured: 'captured',
  refunded: 'captured',
  failed: 'failed',
} as const satisfies Record<z.infer<typeof payment>['status'], PaymentStatus>;

function paymentFact(value: z.infer<typeof payment>, occurredAtMs: number): FactOf<'payment'> {
  // What was never captured is given back by itself: the authorization ended.
  const released = value.status === 'refunded' && value.captured === false;
  const status = released ? 'canceled' : paymentStatuses[value.status];
  return {
    kind: 'payment',
    occurredAtMs,
    references: [`payment:${value.id}`],
    status,
    amount: value.amount,
    currency: value.currency,
    captured: status === 'captured' ? { key: value.id, amount: value.amount } : undefined,
    refundedTotal: status === 'captured' ? (value.amount_refunded ?? undefined) : undefined,
    failureCode: status === 'failed' ? shortText(value.error_reason ?? value.error_code) : undefined,
  };
}

const refund = z.object({
  id: z.string(),
  amount,
  currency,
  payment_id: z.string(),
  status: z.enum(['pending', 'processed', 'failed']),
});

const refundStatuses = {
  pending: 'pending',
  processed: 'succeeded',
  failed: 'failed',
} as const satisfies Record<z.infer<typeof refund>['status'], RefundStatus>;

function refundFact(value: z.infer<typeof refund>, occurredAtMs: number): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs,
    id: value.id,
    references: [`payment:${value.payment_id}`],
    status: refundStatuses[value.status],
    amount: value.amount,
    currency: value.currency,
  };
}

const dispute = z.object({
  id: z.string(),
  payment_id: z.string(),
  amount,
  currency,
  amount_deducted: amount.nullish(),
  reason_code: z.string().nullish(),
  status: z.enum(['open', 'under_review', 'won', 'lost', 'closed']),
  phase: z.string().nullish(),
});

const disputeStatuses = {
  open: 'needs_response',
  under_review: 'under_review',
  won: 'won',
  lost: 'lost',
  closed: 'canceled',
} as const satisfies Record<z.infer<typeof dispute>['status'], DisputeStatus>;

function disputeFact(value: z.infer<typeof dispute>, occurredAtMs: number): FactOf<'dispute'> {
  // A bank's suspicion or its request for papers: a chargeback may follow.
  const inquiry = value.phase === 'fraud' || value.phase === 'retrieval';
  return {
    kind: 'dispute',
    occurredAtMs,
    id: value.id,
    references: [`payment:${value.payment_id}`],
    status: value.status === 'open' && inquiry ? 'inquiry' : disputeStatuses[value.status],
    funds: (value.amount_deducted ?? 0) > 0 && value.status === 'lost' ? 'withdrawn' : undefined,
    amount: value.amount,
    currency: value.currency,
    reason: shortText(value.reason_code),
  };
}
