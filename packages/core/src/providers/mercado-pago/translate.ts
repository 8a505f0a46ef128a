import * as z from 'zod';
import { minorUnitsOfNumber } from '../../money.ts';
import type { DisputeStatus, FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { checkFacts, readBody, shortText } from '../event-body.ts';

/**
 * What Mercado Pago's API says of a payment. Source: mercadopago.com
 * developers, reference of GET /v1/payments/{id} and the table of statuses.
 */
export function translateMercadoPagoAnswer(_event: Buffer, answer: Buffer): readonly PaymentFact[] {
  const value = readBody(answer, payment);
  const reference = `payment:${value.id}` as const;
  const occurredAtMs = Date.parse(value.date_last_updated ?? value.date_approved ?? value.date_created);
  const status = statusOf(value);
  const units = (amount: number): number => minorUnitsOfNumber(amount, value.currency_id);
  const told: FactOf<'payment'> = {
    kind: 'payment',
    occurredAtMs,
    references: [reference],
    ...(status === undefined ? {} : { status }),
    amount: units(value.transaction_amount),
    currency: value.currency_id,
    ...(status === 'captured' ? { captured: { key: String(value.id), amount: units(value.transaction_amount) } } : {}),
    // A sum is worth something only with the time it was drawn up at: without, the next could not take its place.
    ...(value.transaction_amount_refunded == null || value.date_last_updated == null
      ? {}
      : { refundedTotal: units(value.transaction_amount_refunded) }),
    ...(status === 'failed' ? { failureCode: shortText(value.status_detail) } : {}),
  };
  const refunds = (value.refunds ?? []).map((refund): FactOf<'refund'> => ({
    kind: 'refund',
    occurredAtMs: Date.parse(refund.date_created),
    id: String(refund.id),
    references: [reference],
    status: refundStatuses.get(refund.status ?? 'approved') ?? 'pending',
    amount: units(refund.amount),
    currency: value.currency_id,
  }));
  const dispute = disputeOf(value);
  return checkFacts([
    told,
    ...refunds,
    ...(dispute === undefined
      ? []
      : [
          {
            kind: 'dispute' as const,
            occurredAtMs,
            id: `dispute-${value.id}`,
            references: [reference],
            ...dispute,
            amount: units(value.transaction_amount),
            currency: value.currency_id,
          },
        ]),
  ]);
}

const time = z.iso.datetime({ offset: true });

const payment = z.object({
  id: z.int().nonnegative(),
  status: z.string(),
  status_detail: z.string().nullish(),
  currency_id: z.string().regex(/^[A-Z]{3}$/),
  transaction_amount: z.number().nonnegative(),
  transaction_amount_refunded: z.number().nonnegative().nullish(),
  date_created: time,
  date_approved: time.nullish(),
  date_last_updated: time.nullish(),
  refunds: z
    .array(
      z.object({
        id: z.int().nonnegative(),
        amount: z.number().nonnegative(),
        status: z.string().nullish(),
        date_created: time,
      }),
    )
    .max(1_000)
    .nullish(),
});
type Payment = z.infer<typeof payment>;

/** A refund and a chargeback follow a capture; what they change is told apart from the status. */
function statusOf({ status, status_detail }: Payment): PaymentStatus | undefined {
  if (status === 'cancelled') return status_detail === 'expired' ? 'expired' : 'canceled';
  return statuses.get(status);
}

const statuses: ReadonlyMap<string, PaymentStatus> = new Map([
  ['pending', 'pending'],
  ['in_process', 'pending'],
  ['authorized', 'authorized'],
  ['approved', 'captured'],
  ['refunded', 'captured'],
  ['charged_back', 'captured'],
  ['in_mediation', 'captured'],
  ['rejected', 'failed'],
]);

const refundStatuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['approved', 'succeeded'],
  ['in_process', 'pending'],
  ['rejected', 'failed'],
  ['cancelled', 'canceled'],
]);

function disputeOf({
  status,
  status_detail,
}: Payment): { readonly status: DisputeStatus; readonly funds: 'none' | 'withdrawn' | 'reinstated' } | undefined {
  if (status === 'in_mediation') return { status: 'needs_response', funds: 'withdrawn' };
  if (status !== 'charged_back') return undefined;
  if (status_detail === 'reimbursed') return { status: 'won', funds: 'reinstated' };
  if (status_detail === 'settled') return { status: 'lost', funds: 'withdrawn' };
  return { status: 'under_review', funds: 'withdrawn' };
}
