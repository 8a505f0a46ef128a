import * as z from 'zod';
import type { FactOf, PaymentFact, PaymentReference, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';
import { goCardlessEvent } from './event.ts';

/**
 * What one event of GoCardless says; an empty list for the resources and
 * actions that say nothing about where money stands. Its events name what
 * happened and to what, never an amount: amounts and currencies stay unknown
 * here. Source: API reference, Events, action tables of payments, refunds and
 * payouts.
 */
export function translateGoCardless(body: Buffer): readonly PaymentFact[] {
  const event = readBody(body, goCardlessEvent);
  switch (event.resource_type) {
    case 'payments':
      return checkFacts(paymentFacts(event));
    case 'refunds':
      return checkFacts(refundFacts(event));
    case 'payouts':
      return checkFacts(payoutFacts(event));
    default:
      return [];
  }
}

type GoCardlessEvent = z.output<typeof goCardlessEvent>;

/** Collected is captured: `confirmed` by the customer's bank, `paid_out` on its way to the merchant. */
const paymentStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['created', 'created'],
  ['customer_approval_granted', 'pending'],
  ['customer_approval_denied', 'failed'],
  ['submitted', 'pending'],
  ['resubmission_requested', 'pending'],
  ['confirmed', 'captured'],
  ['paid_out', 'captured'],
  ['failed', 'failed'],
  // The deduction that follows a failure after confirmation.
  ['late_failure_settled', 'failed'],
  ['cancelled', 'canceled'],
]);

/**
 * A payment has at most one chargeback open, without an id of its own: it goes
 * by the payment's. A payer's bank reverses a debit without asking, so it is
 * lost until it is cancelled.
 */
const chargebacks: ReadonlyMap<string, Pick<FactOf<'dispute'>, 'status' | 'funds'>> = new Map([
  ['charged_back', { status: 'lost', funds: 'withdrawn' }],
  ['chargeback_settled', { funds: 'withdrawn' }],
  ['chargeback_cancelled', { status: 'won', funds: 'reinstated' }],
]);

function paymentFacts(event: GoCardlessEvent): readonly PaymentFact[] {
  const status = paymentStatuses.get(event.action);
  const chargeback = chargebacks.get(event.action);
  if (status === undefined && chargeback === undefined) return [];
  const { payment } = readPart({ schema: paymentLinks, value: event.links, path: 'links' });
  const { cause } = readPart({ schema: details, value: event.details ?? {}, path: 'details' });
  const occurredAtMs = Date.parse(event.created_at);
  const references: PaymentReference[] = [`payment:${payment}`];
  if (chargeback !== undefined)
    return [{ kind: 'dispute', occurredAtMs, id: payment, references, ...chargeback, reason: shortText(cause) }];
  const why = event.action === 'failed' || event.action === 'customer_approval_denied' ? shortText(cause) : undefined;
  return [{ kind: 'payment', occurredAtMs, references, status, failureCode: why }];
}

/**
 * `refund_settled`, the deduction from a payout, is left out: it comes before
 * or after `paid` and `failed`, and says nothing of either. `funds_returned`
 * is what a failed refund ends in.
 */
const refundStatuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['created', 'pending'],
  ['paid', 'succeeded'],
  ['failed', 'failed'],
  ['funds_returned', 'failed'],
]);

function refundFacts(event: GoCardlessEvent): readonly PaymentFact[] {
  const status = refundStatuses.get(event.action);
  if (status === undefined) return [];
  const links = readPart({ schema: refundLinks, value: event.links, path: 'links' });
  return [
    {
      kind: 'refund',
      occurredAtMs: Date.parse(event.created_at),
      id: links.refund,
      // A refund can be of a mandate instead of a payment.
      references: links.payment === null || links.payment === undefined ? [] : [`payment:${links.payment}`],
      status,
    },
  ];
}

function payoutFacts(event: GoCardlessEvent): readonly PaymentFact[] {
  if (event.action !== 'paid') return [];
  const { payout } = readPart({ schema: payoutLinks, value: event.links, path: 'links' });
  return [{ kind: 'payout', occurredAtMs: Date.parse(event.created_at), id: payout, status: 'paid' }];
}

const paymentLinks = z.object({ payment: z.string() });
const refundLinks = z.object({ refund: z.string(), payment: z.string().nullish() });
const payoutLinks = z.object({ payout: z.string() });
const details = z.object({ cause: z.string().nullish() });
