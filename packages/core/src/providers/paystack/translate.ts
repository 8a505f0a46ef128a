import * as z from 'zod';
import type { DisputeStatus, FactOf, PaymentFact, PayoutStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, malformedEvent, readBody, readPart, shortText } from '../event-body.ts';
import { amountFrom, paystackMinorUnits } from './amounts.ts';

/**
 * What Paystack's charges, refunds, disputes and transfers say; an empty list
 * for the rest. A payment goes by its transaction's `reference`: the one name
 * that refunds and disputes know it by too. Failed attempts are not notified.
 * Source: paystack.com/docs/payments/webhooks, /refunds and /disputes.
 */
export function translatePaystack(body: Buffer): readonly PaymentFact[] {
  const { event, data } = readBody(body, envelope);
  switch (event) {
    case 'charge.success':
      return checkFacts([chargeFact(readPart({ schema: charge, value: data, path: 'data' }))]);
    case 'refund.pending':
    case 'refund.processing':
    case 'refund.needs-attention':
    case 'refund.processed':
    case 'refund.failed':
      return checkFacts(refundFacts(readPart({ schema: refund, value: data, path: 'data' })));
    case 'charge.dispute.create':
    case 'charge.dispute.remind':
    case 'charge.dispute.resolve':
      return checkFacts([disputeFact(readPart({ schema: dispute, value: data, path: 'data' }))]);
    case 'transfer.success':
    case 'transfer.failed':
    case 'transfer.reversed':
      return checkFacts([transferFact(readPart({ schema: transfer, value: data, path: 'data' }))]);
    default:
      return [];
  }
}

const envelope = z.object({ event: z.string(), data: z.unknown().optional() });

const time = z.iso.datetime({ offset: true });
const currency = z.string().regex(/^[A-Z]{3}$/);
/** Transactions have numbers, refunds have numbers as text. */
const id = z.union([z.int().nonnegative(), z.string().min(1)]).transform(String);

const charge = z.object({
  reference: z.string(),
  status: z.literal('success'),
  amount: amountFrom,
  currency,
  paid_at: time.nullish(),
  created_at: time.nullish(),
});

function chargeFact(value: z.infer<typeof charge>): FactOf<'payment'> {
  const amount = paystackMinorUnits(value.amount, value.currency);
  return {
    kind: 'payment',
    occurredAtMs: firstTime(value.paid_at, value.created_at),
    references: [`payment:${value.reference}`],
    status: 'captured',
    amount,
    currency: value.currency,
    captured: { key: value.reference, amount },
  };
}

const refund = z.object({
  id: id.nullish(),
  refund_reference: z.string().min(1).nullish(),
  transaction_reference: z.string(),
  status: z.enum(['pending', 'processing', 'needs-attention', 'processed', 'failed']),
  amount: amountFrom,
  currency,
});

const refundStatuses = {
  pending: 'pending',
  processing: 'pending',
  'needs-attention': 'requires_action',
  processed: 'succeeded',
  failed: 'failed',
} as const satisfies Record<z.infer<typeof refund>['status'], RefundStatus>;

/**
 * Refunds carry no time: all their facts share the earliest moment there is,
 * and how far along each is puts them in order. Some name the refund only once
 * the processor has accepted it; what is pending without a name says nothing
 * that could be told apart from another refund of the same transaction.
 */
function refundFacts(value: z.infer<typeof refund>): readonly FactOf<'refund'>[] {
  const status = refundStatuses[value.status];
  const name = value.id ?? value.refund_reference;
  if (name === null || name === undefined) {
    if (status === 'pending') return [];
    throw malformedEvent('the refund has neither id nor refund_reference');
  }
  return [
    {
      kind: 'refund',
      occurredAtMs: 0,
      id: name,
      references: [`payment:${value.transaction_reference}`],
      status,
      amount: paystackMinorUnits(value.amount, value.currency),
      currency: value.currency,
    },
  ];
}

const dispute = z.object({
  id,
  status: z.enum(['awaiting-merchant-feedback', 'awaiting-bank-feedback', 'pending', 'resolved']),
  resolution: z.enum(['merchant-accepted', 'auto-accepted', 'declined']).nullish(),
  refund_amount: amountFrom.nullish(),
  currency: currency.nullish(),
  category: z.string().nullish(),
  transaction: z.object({ reference: z.string(), currency: currency.nullish() }),
  created_at: time.nullish(),
  updated_at: time.nullish(),
});

const openDisputeStatuses = {
  'awaiting-merchant-feedback': 'needs_response',
  'awaiting-bank-feedback': 'under_review',
  pending: 'under_review',
} as const satisfies Record<Exclude<z.infer<typeof dispute>['status'], 'resolved'>, DisputeStatus>;

/** `declined` is the merchant's claim upheld; the customer is refunded in the other two. */
const resolutions = {
  'merchant-accepted': 'accepted',
  'auto-accepted': 'accepted',
  declined: 'won',
} as const satisfies Record<string, DisputeStatus>;

function disputeFact(value: z.infer<typeof dispute>): FactOf<'dispute'> {
  const money = value.currency ?? value.transaction.currency ?? undefined;
  const { refund_amount: amount } = value;
  return {
    kind: 'dispute',
    occurredAtMs: firstTime(value.updated_at, value.created_at),
    id: value.id,
    references: [`payment:${value.transaction.reference}`],
    status: disputeStatus(value),
    amount:
      amount === null || amount === undefined || money === undefined ? undefined : paystackMinorUnits(amount, money),
    currency: money,
    reason: shortText(value.category),
  };
}

function disputeStatus({ status, resolution }: z.infer<typeof dispute>): DisputeStatus {
  if (status !== 'resolved') return openDisputeStatuses[status];
  if (resolution === null || resolution === undefined) throw malformedEvent('a resolved dispute has no resolution');
  return resolutions[resolution];
}

const transfer = z.object({
  transfer_code: z.string(),
  status: z.enum(['success', 'failed', 'reversed']),
  amount: amountFrom,
  currency,
  // Both spellings are documented.
  updated_at: time.nullish(),
  updatedAt: time.nullish(),
  created_at: time.nullish(),
  createdAt: time.nullish(),
});

const transferStatuses = {
  success: 'paid',
  failed: 'failed',
  reversed: 'returned',
} as const satisfies Record<z.infer<typeof transfer>['status'], PayoutStatus>;

function transferFact(value: z.infer<typeof transfer>): FactOf<'payout'> {
  return {
    kind: 'payout',
    occurredAtMs: firstTime(value.updated_at, value.updatedAt, value.created_at, value.createdAt),
    id: value.transfer_code,
    status: transferStatuses[value.status],
    amount: paystackMinorUnits(value.amount, value.currency),
    currency: value.currency,
  };
}

function firstTime(...times: readonly (string | null | undefined)[]): number {
  const text = times.find((candidate) => candidate !== null && candidate !== undefined);
  if (text === null || text === undefined) throw malformedEvent('it names no time');
  return Date.parse(text);
}
