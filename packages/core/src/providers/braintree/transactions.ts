import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { malformedEvent } from '../event-body.ts';
import { optional } from './notification.ts';

const status = z.enum([
  'authorization_expired',
  'authorizing',
  'authorized',
  'gateway_rejected',
  'failed',
  'processor_declined',
  'settled',
  'settling',
  'settlement_confirmed',
  'settlement_declined',
  'settlement_pending',
  'submitted_for_settlement',
  'voided',
]);

/** Source: braintree transaction.js, Transaction.Status and Transaction.Type. */
export const transaction = z.object({
  id: z.string(),
  status: optional(status),
  type: optional(z.enum(['sale', 'credit'])),
  amount: optional(z.string()),
  'currency-iso-code': optional(z.string().regex(/^[A-Z]{3}$/)),
  'refunded-transaction-id': optional(z.string()),
});
type Transaction = z.output<typeof transaction>;

/** A sale is a payment under its id; a credit is a refund of the transaction it names. */
export function transactionFact(read: Transaction, occurredAtMs: number): PaymentFact {
  return read.type === 'credit' ? refundFact(read, occurredAtMs) : paymentFact(read, occurredAtMs);
}

const paymentStatuses = {
  authorizing: 'pending',
  authorized: 'authorized',
  submitted_for_settlement: 'captured',
  settling: 'captured',
  settlement_confirmed: 'captured',
  settlement_pending: 'pending',
  settled: 'captured',
  gateway_rejected: 'failed',
  failed: 'failed',
  processor_declined: 'failed',
  settlement_declined: 'failed',
  authorization_expired: 'expired',
  voided: 'canceled',
} as const satisfies Record<z.infer<typeof status>, PaymentStatus>;

/**
 * The merchant's capture is its submission for settlement; how much was
 * captured is said once it is settled, as until then a void or a declined
 * settlement undoes it and amounts captured only grow.
 */
function paymentFact(read: Transaction, occurredAtMs: number): FactOf<'payment'> {
  const amount = amountOf(read);
  return {
    kind: 'payment',
    occurredAtMs,
    references: [`payment:${read.id}`],
    status: read.status === undefined ? undefined : paymentStatuses[read.status],
    amount,
    currency: read['currency-iso-code'],
    captured: read.status === 'settled' && amount !== undefined ? { key: read.id, amount } : undefined,
  };
}

const refundStatuses = {
  authorizing: 'pending',
  authorized: 'pending',
  submitted_for_settlement: 'pending',
  settling: 'pending',
  settlement_confirmed: 'pending',
  settlement_pending: 'pending',
  settled: 'succeeded',
  gateway_rejected: 'failed',
  failed: 'failed',
  processor_declined: 'failed',
  settlement_declined: 'failed',
  authorization_expired: 'failed',
  voided: 'canceled',
} as const satisfies Record<z.infer<typeof status>, RefundStatus>;

/** A refund is a transaction of its own; one to a card without a payment of ours belongs to none. */
export function refundFact(read: Transaction, occurredAtMs: number): FactOf<'refund'> {
  if (read.status === undefined) throw malformedEvent('the refund has no status');
  const refunded = read['refunded-transaction-id'];
  return {
    kind: 'refund',
    occurredAtMs,
    id: read.id,
    references: refunded === undefined ? [] : [`payment:${refunded}`],
    status: refundStatuses[read.status],
    amount: amountOf(read),
    currency: read['currency-iso-code'],
  };
}

/** Decimal, in major units; without its currency it cannot be told what it is worth. */
function amountOf(read: Transaction): number | undefined {
  const { amount, 'currency-iso-code': currency } = read;
  return amount === undefined || currency === undefined ? undefined : minorUnits(amount, currency);
}
