import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import type { FactOf, PaymentFact, PaymentStatus, RefundStatus, DisputeStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';

/**
 * What Square's payment, refund and dispute events say; an empty list for the
 * rest. Each carries the whole object with its version, so the latest
 * `updated_at` holds. Source: Square API reference, Payment, PaymentRefund,
 * Dispute.
 */
export function translateSquare(body: Buffer): readonly PaymentFact[] {
  const event = readBody(body, envelope);
  const object = event.data?.object ?? {};
  switch (event.type) {
    case 'payment.created':
    case 'payment.updated':
      return checkFacts([
        paymentFact(readPart({ schema: payment, value: object['payment'], path: 'data.object.payment' })),
      ]);
    case 'refund.created':
    case 'refund.updated':
      return checkFacts([
        refundFact(readPart({ schema: refund, value: object['refund'], path: 'data.object.refund' })),
      ]);
    case 'dispute.created':
    case 'dispute.state.updated':
    case 'dispute.state.changed':
      return checkFacts([
        disputeFact(readPart({ schema: dispute, value: object['dispute'], path: 'data.object.dispute' })),
      ]);
    default:
      return [];
  }
}

const envelope = z.object({
  type: z.string(),
  data: z.object({ object: jsonObject.nullish() }).nullish(),
});

const money = z.object({ amount: z.int().nonnegative(), currency: z.string().regex(/^[A-Z]{3}$/) });
const time = z.iso.datetime({ offset: true });

const payment = z.object({
  id: z.string(),
  status: z.enum(['APPROVED', 'PENDING', 'COMPLETED', 'CANCELED', 'FAILED']),
  created_at: time,
  updated_at: time.nullish(),
  total_money: money.nullish(),
  amount_money: money.nullish(),
  refunded_money: money.nullish(),
});

const paymentStatuses = {
  APPROVED: 'authorized',
  PENDING: 'pending',
  COMPLETED: 'captured',
  CANCELED: 'canceled',
  FAILED: 'failed',
} as const satisfies Record<z.infer<typeof payment>['status'], PaymentStatus>;

function paymentFact(value: z.infer<typeof payment>): FactOf<'payment'> {
  const total = value.total_money ?? value.amount_money;
  const status = paymentStatuses[value.status];
  return {
    kind: 'payment',
    occurredAtMs: Date.parse(value.updated_at ?? value.created_at),
    references: [`payment:${value.id}`],
    status,
    amount: total?.amount,
    currency: total?.currency,
    captured:
      status === 'captured' && total !== null && total !== undefined
        ? { key: value.id, amount: total.amount }
        : undefined,
    refundedTotal: value.refunded_money?.amount,
  };
}

const refund = z.object({
  id: z.string(),
  status: z.enum(['PENDING', 'COMPLETED', 'REJECTED', 'FAILED']),
  created_at: time,
  updated_at: time.nullish(),
  amount_money: money.nullish(),
  payment_id: z.string().nullish(),
  reason: z.string().nullish(),
});

const refundStatuses = {
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  REJECTED: 'failed',
  FAILED: 'failed',
} as const satisfies Record<z.infer<typeof refund>['status'], RefundStatus>;

function refundFact(value: z.infer<typeof refund>): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs: Date.parse(value.updated_at ?? value.created_at),
    id: value.id,
    references: referenceTo(value.payment_id),
    status: refundStatuses[value.status],
    amount: value.amount_money?.amount,
    currency: value.amount_money?.currency,
    reason: shortText(value.reason),
  };
}

const dispute = z.object({
  dispute_id: z.string().nullish(),
  id: z.string().nullish(),
  state: z.enum([
    'INQUIRY_EVIDENCE_REQUIRED',
    'INQUIRY_PROCESSING',
    'INQUIRY_CLOSED',
    'EVIDENCE_REQUIRED',
    'PROCESSING',
    'WON',
    'LOST',
    'ACCEPTED',
  ]),
  created_at: time,
  updated_at: time.nullish(),
  amount_money: money.nullish(),
  disputed_payment: z.object({ payment_id: z.string().nullish() }).nullish(),
  reason: z.string().nullish(),
});

const disputeStates = {
  INQUIRY_EVIDENCE_REQUIRED: 'inquiry',
  INQUIRY_PROCESSING: 'inquiry',
  INQUIRY_CLOSED: 'canceled',
  EVIDENCE_REQUIRED: 'needs_response',
  PROCESSING: 'under_review',
  WON: 'won',
  LOST: 'lost',
  ACCEPTED: 'accepted',
} as const satisfies Record<z.infer<typeof dispute>['state'], DisputeStatus>;

function disputeFact(value: z.infer<typeof dispute>): FactOf<'dispute'> {
  return {
    kind: 'dispute',
    occurredAtMs: Date.parse(value.updated_at ?? value.created_at),
    id: value.id ?? value.dispute_id ?? '',
    references: referenceTo(value.disputed_payment?.payment_id),
    status: disputeStates[value.state],
    amount: value.amount_money?.amount,
    currency: value.amount_money?.currency,
    reason: shortText(value.reason),
  };
}

function referenceTo(paymentId: string | null | undefined): `payment:${string}`[] {
  return paymentId === null || paymentId === undefined ? [] : [`payment:${paymentId}`];
}
