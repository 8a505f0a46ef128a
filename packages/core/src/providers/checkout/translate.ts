import * as z from 'zod';
import type { FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, readBody, readPart, shortText } from '../event-body.ts';
import { checkoutMinorUnits } from './amounts.ts';
import { disputeFact, disputeOutcomes } from './disputes.ts';

/**
 * What Checkout.com's payment, refund and dispute events say; an empty list
 * for the rest. `balances` are totals of the whole payment, so that each event
 * tells all that was captured and refunded by then. Source: checkout.com/docs,
 * webhook event types.
 */
export function translateCheckout(body: Buffer): readonly PaymentFact[] {
  const { type, data, created_on, timestamp } = readBody(body, envelope);
  const status = paymentStatuses.get(type);
  const refund = refundStatuses.get(type);
  const dispute = disputeOutcomes.get(type);
  if (status === undefined && refund === undefined && dispute === undefined) return [];
  const occurredAtMs = Date.parse(readPart({ schema: time, value: created_on ?? timestamp, path: 'created_on' }));
  if (dispute !== undefined) return checkFacts([disputeFact(data, { occurredAtMs, outcome: dispute })]);

  const action = readPart({ schema: actionData, value: data, path: 'data' });
  // Card payouts come under the same types; money that leaves is no payment.
  if (action.destination !== undefined) return [];
  const about = paymentFact(action, { occurredAtMs, status: refund === undefined ? status : undefined });
  return checkFacts(refund === undefined ? [about] : [refundFact(action, { occurredAtMs, status: refund }), about]);
}

const time = z.iso.datetime({ offset: true });

const envelope = z.object({
  type: z.string(),
  data: z.unknown().optional(),
  created_on: z.unknown().optional(),
  timestamp: z.unknown().optional(),
});

const paymentStatuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['payment_pending', 'requires_action'],
  ['payment_approved', 'authorized'],
  ['payment_captured', 'captured'],
  ['payment_declined', 'failed'],
  ['payment_voided', 'canceled'],
  ['payment_canceled', 'canceled'],
  ['payment_expired', 'expired'],
]);

const refundStatuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['payment_refund_pending', 'pending'],
  ['payment_refunded', 'succeeded'],
  ['payment_refund_declined', 'failed'],
]);

const amount = z.int().nonnegative();

const actionData = z.object({
  id: z.string(),
  action_id: z.string().nullish(),
  amount: amount.nullish(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullish(),
  response_code: z.string().nullish(),
  response_summary: z.string().nullish(),
  /** Only of payouts. */
  destination: z.unknown().optional(),
  balances: z.object({ total_authorized: amount, total_captured: amount, total_refunded: amount }).nullish(),
});
type Action = z.infer<typeof actionData>;

function paymentFact(
  action: Action,
  told: { readonly occurredAtMs: number; readonly status: PaymentStatus | undefined },
): FactOf<'payment'> {
  const { id, balances, currency } = action;
  const captured = balances?.total_captured ?? (told.status === 'captured' ? action.amount : null);
  // Of an event about a part, such as a refund, `amount` is the part's.
  const whole = balances?.total_authorized ?? (told.status === undefined ? null : action.amount);
  return {
    kind: 'payment',
    occurredAtMs: told.occurredAtMs,
    references: [`payment:${id}`],
    status: statusOf(told.status, balances),
    amount: inMinorUnits(whole, currency),
    currency: currency ?? undefined,
    captured: capturedOf(id, inMinorUnits(captured, currency)),
    refundedTotal: inMinorUnits(balances?.total_refunded, currency),
    failureCode: told.status === 'failed' ? shortText(action.response_code) : undefined,
  };
}

/** A capture may be of a part, and so may a void be, of what is left after a capture. */
function statusOf(status: PaymentStatus | undefined, balances: Action['balances']): PaymentStatus | undefined {
  if (balances === null || balances === undefined) return status;
  const { total_authorized, total_captured } = balances;
  if (status === 'captured') return total_captured < total_authorized ? 'partially_captured' : 'captured';
  if (status === 'canceled') return total_captured > 0 ? undefined : 'canceled';
  return status;
}

function capturedOf(key: string, captured: number | undefined): FactOf<'payment'>['captured'] {
  return captured === undefined || captured === 0 ? undefined : { key, amount: captured };
}

function refundFact(
  action: Action,
  told: { readonly occurredAtMs: number; readonly status: RefundStatus },
): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs: told.occurredAtMs,
    id: readPart({ schema: z.string(), value: action.action_id, path: 'data.action_id' }),
    references: [`payment:${action.id}`],
    status: told.status,
    amount: inMinorUnits(action.amount, action.currency),
    currency: action.currency ?? undefined,
    reason: told.status === 'failed' ? shortText(action.response_summary) : undefined,
  };
}

/** An amount is nothing without its currency. */
function inMinorUnits(value: number | null | undefined, currency: string | null | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  return checkoutMinorUnits(value, readPart({ schema: z.string(), value: currency, path: 'data.currency' }));
}
