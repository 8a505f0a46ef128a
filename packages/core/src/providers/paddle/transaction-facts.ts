import * as z from 'zod';
import type { FactOf, PaymentStatus } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';
import { paddleAmount, paddleCurrency } from './amounts.ts';

const attempt = z.object({
  status: z.enum([
    'authorized',
    'authorized_flagged',
    'canceled',
    'captured',
    'error',
    'action_required',
    'pending_no_action_required',
    'created',
    'unknown',
    'dropped',
  ]),
  error_code: z.string().nullish(),
  created_at: z.iso.datetime({ offset: true }),
});
type Attempt = z.infer<typeof attempt>;

/** Source: paddle-node-sdk ITransactionNotificationResponse, TransactionStatus, PaymentAttemptStatus. */
export const transaction = z.object({
  id: z.string(),
  status: z.enum(['draft', 'ready', 'billed', 'paid', 'completed', 'canceled', 'past_due']),
  currency_code: paddleCurrency,
  details: z.object({ totals: z.object({ grand_total: paddleAmount }).nullish() }).nullish(),
  payments: z.array(attempt).nullish(),
});
type Transaction = z.infer<typeof transaction>;

/**
 * Where a transaction stands as a payment. One that is paid stays so; one that
 * is not stands where its latest attempt does, for Paddle leaves it at `ready`
 * or `past_due` while attempts fail and are repeated.
 */
export function transactionFact(given: {
  readonly value: Transaction;
  readonly occurredAtMs: number;
  readonly attemptFailed: boolean;
}): FactOf<'payment'> {
  const { value, occurredAtMs, attemptFailed } = given;
  const latest = latestAttempt(value.payments ?? []);
  const unpaid = unpaidStatuses[value.status];
  const status =
    unpaid === null
      ? settledStatus(value.status)
      : attemptFailed
        ? 'failed'
        : ((latest === undefined ? null : attemptStatuses[latest.status]) ?? unpaid);
  const total = value.details?.totals?.grand_total;
  return {
    kind: 'payment',
    occurredAtMs,
    references: [`payment:${value.id}`],
    status,
    amount: total,
    currency: value.currency_code,
    captured: status === 'captured' && total !== undefined ? { key: value.id, amount: total } : undefined,
    failureCode: status === 'failed' ? shortText(latest?.error_code) : undefined,
  };
}

/** What a transaction stands at where no attempt says more; null where attempts no longer matter. */
const unpaidStatuses = {
  draft: 'created',
  ready: 'created',
  billed: 'pending',
  past_due: 'failed',
  paid: null,
  completed: null,
  canceled: null,
} as const satisfies Record<Transaction['status'], PaymentStatus | null>;

function settledStatus(status: Transaction['status']): PaymentStatus {
  return status === 'canceled' ? 'canceled' : 'captured';
}

/** A captured attempt of a transaction that is not paid yet waits for the transaction; null says nothing. */
const attemptStatuses = {
  authorized: 'authorized',
  authorized_flagged: 'authorized',
  canceled: 'failed',
  captured: 'pending',
  error: 'failed',
  action_required: 'requires_action',
  pending_no_action_required: 'pending',
  created: null,
  unknown: null,
  dropped: null,
} as const satisfies Record<Attempt['status'], PaymentStatus | null>;

/** By its own time: that Paddle lists the newest first is a habit, not a promise. */
function latestAttempt(attempts: readonly Attempt[]): Attempt | undefined {
  return attempts.reduce<Attempt | undefined>(
    (latest, each) =>
      latest === undefined || Date.parse(each.created_at) > Date.parse(latest.created_at) ? each : latest,
    undefined,
  );
}
