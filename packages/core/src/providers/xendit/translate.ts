import * as z from 'zod';
import { minorUnitsOfNumber } from '../../money.ts';
import type { PaymentFact, PaymentReference, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';
import { subjectOf, xenditEvent } from './event.ts';

/**
 * What Xendit's API says of what a notification named.
 * Source: docs.xendit.co/apidocs/get-payment, /get-a-refund; xendit-node docs/Invoice.md.
 */
export function translateXenditAnswer(event: Buffer, answer: Buffer): readonly PaymentFact[] {
  const { path } = subjectOf(readBody(event, xenditEvent));
  const value = readBody(answer, z.unknown());
  if (path?.startsWith('/v3/payments/') === true)
    return checkFacts([paymentFact(readPart({ schema: payment, value, path: 'payment' }))]);
  if (path?.startsWith('/v3/refunds/') === true)
    return checkFacts([refundFact(readPart({ schema: refund, value, path: 'refund' }))]);
  if (path?.startsWith('/v2/invoices/') === true)
    return checkFacts([invoiceFact(readPart({ schema: invoice, value, path: 'invoice' }))]);
  return [];
}

const time = z.iso.datetime({ offset: true });
const currency = z.string().regex(/^[A-Z]{3}$/);

const payment = z.object({
  payment_id: z.string(),
  payment_request_id: z.string().nullish(),
  status: z.string(),
  request_amount: z.number().nonnegative(),
  currency,
  failure_code: z.string().nullish(),
  created: time,
  updated: time.nullish(),
});

/** A status that is not listed says nothing that can be folded. */
const paymentStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['PENDING', 'pending'],
  ['AUTHORIZED', 'authorized'],
  ['SUCCEEDED', 'captured'],
  ['FAILED', 'failed'],
  ['CANCELED', 'canceled'],
  ['EXPIRED', 'expired'],
]);

function paymentFact(value: z.infer<typeof payment>): PaymentFact {
  const status = paymentStatuses.get(value.status);
  const amount = minorUnitsOfNumber(value.request_amount, value.currency);
  const references: PaymentReference[] = [`payment:${value.payment_id}`];
  if (value.payment_request_id != null) references.push(`order:${value.payment_request_id}`);
  return {
    kind: 'payment',
    occurredAtMs: Date.parse(value.updated ?? value.created),
    references,
    ...(status === undefined ? {} : { status }),
    amount,
    currency: value.currency,
    ...(status === 'captured' ? { captured: { key: value.payment_id, amount } } : {}),
    ...(status === 'failed' ? { failureCode: shortText(value.failure_code) } : {}),
  };
}

const refund = z.object({
  refund_id: z.string(),
  payment_id: z.string().nullish(),
  status: z.string(),
  amount: z.number().nonnegative(),
  currency,
  reason: z.string().nullish(),
  created: time,
  updated: time.nullish(),
});

const refundStatuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['SUCCEEDED', 'succeeded'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'canceled'],
  ['CANCELED', 'canceled'],
]);

function refundFact(value: z.infer<typeof refund>): PaymentFact {
  return {
    kind: 'refund',
    occurredAtMs: Date.parse(value.updated ?? value.created),
    id: value.refund_id,
    references: value.payment_id == null ? [] : [`payment:${value.payment_id}`],
    status: refundStatuses.get(value.status) ?? 'pending',
    amount: minorUnitsOfNumber(value.amount, value.currency),
    currency: value.currency,
    reason: shortText(value.reason),
  };
}

const invoice = z.object({
  id: z.string(),
  status: z.enum(['PENDING', 'PAID', 'SETTLED', 'EXPIRED']),
  amount: z.number().nonnegative(),
  currency: currency.nullish(),
  created: time,
  updated: time.nullish(),
  paid_at: time.nullish(),
});

const invoiceStatuses = {
  PENDING: 'created',
  PAID: 'captured',
  SETTLED: 'captured',
  EXPIRED: 'expired',
} as const satisfies Record<z.infer<typeof invoice>['status'], PaymentStatus>;

/** Xendit's invoices are in rupiah where they name no currency. */
function invoiceFact(value: z.infer<typeof invoice>): PaymentFact {
  const status = invoiceStatuses[value.status];
  const code = value.currency ?? 'IDR';
  const amount = minorUnitsOfNumber(value.amount, code);
  return {
    kind: 'payment',
    occurredAtMs: Date.parse((status === 'captured' ? value.paid_at : null) ?? value.updated ?? value.created),
    references: [`payment:${value.id}`],
    status,
    amount,
    currency: code,
    ...(status === 'captured' ? { captured: { key: value.id, amount } } : {}),
  };
}
