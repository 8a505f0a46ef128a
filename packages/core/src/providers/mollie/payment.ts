import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { FactOf, PaymentFact, PaymentStatus, RefundStatus } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';

const time = z.iso.datetime({ offset: true });
const money = z.object({ value: z.string(), currency: z.string() });

/** A refund, listed in its payment or by itself, which alone names the payment. Source: docs.mollie.com/reference/get-refund. */
export const mollieRefund = z.object({
  id: z.string(),
  status: z.enum(['queued', 'pending', 'processing', 'refunded', 'failed', 'canceled']),
  amount: money,
  createdAt: time,
  paymentId: z.string().nullish(),
});
type MollieRefund = z.infer<typeof mollieRefund>;

const chargeback = z.object({ id: z.string(), amount: money, createdAt: time, reversedAt: time.nullish() });

/**
 * A payment as Mollie's API renders it, refunds and chargebacks embedded where
 * they were asked for. Source: docs.mollie.com/reference/get-payment;
 * @mollie/api-client dist/types/data/payments/data.d.ts.
 */
export const molliePayment = z.object({
  resource: z.literal('payment'),
  id: z.string(),
  status: z.enum(['open', 'pending', 'authorized', 'paid', 'canceled', 'expired', 'failed']),
  amount: money,
  amountCaptured: money.nullish(),
  createdAt: time,
  authorizedAt: time.nullish(),
  paidAt: time.nullish(),
  canceledAt: time.nullish(),
  expiredAt: time.nullish(),
  failedAt: time.nullish(),
  statusReason: z.object({ code: z.string() }).nullish(),
  _embedded: z
    .object({
      refunds: z.array(mollieRefund).max(1_000).nullish(),
      chargebacks: z.array(chargeback).max(1_000).nullish(),
    })
    .nullish(),
});
type MolliePayment = z.infer<typeof molliePayment>;

/**
 * What a payment's snapshot says. Each status bears the time that Mollie gives
 * for it. `amountRefunded` is left out: it has no time of its own, so that of
 * two sums nothing says which is the newer, and one would outlive a refund that
 * fails or is canceled. The refunds say it one by one, and Mollie calls at each change of one.
 */
export function factsOfMolliePayment(payment: MolliePayment): readonly PaymentFact[] {
  const reference = `payment:${payment.id}` as const;
  const refunds = payment._embedded?.refunds ?? [];
  const chargebacks = payment._embedded?.chargebacks ?? [];
  return [
    paymentFact(payment, reference),
    ...refunds.map((refund) => factOfMollieRefund({ ...refund, paymentId: payment.id })),
    ...chargebacks.map(({ id, amount, createdAt, reversedAt }): FactOf<'dispute'> => ({
      kind: 'dispute',
      occurredAtMs: Date.parse(reversedAt ?? createdAt),
      id,
      references: [reference],
      // Mollie takes the money with the chargeback; a reversal gives it back.
      status: reversedAt == null ? 'lost' : 'won',
      funds: reversedAt == null ? 'withdrawn' : 'reinstated',
      amount: units(amount),
      currency: amount.currency,
    })),
  ];
}

/** What is said of a refund. All its facts share its one time, when it was made: how far along it is puts them in order. */
export function factOfMollieRefund({ id, status, amount, createdAt, paymentId }: MollieRefund): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs: Date.parse(createdAt),
    id,
    references: paymentId == null ? [] : [`payment:${paymentId}`],
    status: refundStatuses[status],
    amount: units(amount),
    currency: amount.currency,
  };
}

function paymentFact(payment: MolliePayment, reference: `payment:${string}`): FactOf<'payment'> {
  const { status } = statuses[payment.status];
  const captured = payment.amountCaptured ?? (payment.status === 'paid' ? payment.amount : null);
  return {
    kind: 'payment',
    occurredAtMs: Date.parse(statuses[payment.status].timeOf(payment) ?? payment.createdAt),
    references: [reference],
    status,
    amount: units(payment.amount),
    currency: payment.amount.currency,
    ...(captured === null ? {} : { captured: { key: payment.id, amount: units(captured) } }),
    ...(status === 'failed' ? { failureCode: shortText(payment.statusReason?.code) } : {}),
  };
}

const statuses = {
  open: { status: 'created', timeOf: ({ createdAt }) => createdAt },
  pending: { status: 'pending', timeOf: ({ createdAt }) => createdAt },
  authorized: { status: 'authorized', timeOf: ({ authorizedAt }) => authorizedAt },
  paid: { status: 'captured', timeOf: ({ paidAt }) => paidAt },
  canceled: { status: 'canceled', timeOf: ({ canceledAt }) => canceledAt },
  expired: { status: 'expired', timeOf: ({ expiredAt }) => expiredAt },
  failed: { status: 'failed', timeOf: ({ failedAt }) => failedAt },
} as const satisfies Record<
  MolliePayment['status'],
  { readonly status: PaymentStatus; readonly timeOf: (payment: MolliePayment) => string | null | undefined }
>;

const refundStatuses = {
  queued: 'pending',
  pending: 'pending',
  processing: 'pending',
  refunded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
} as const satisfies Record<MollieRefund['status'], RefundStatus>;

function units({ value, currency }: z.infer<typeof money>): number {
  return minorUnits(value, currency);
}
