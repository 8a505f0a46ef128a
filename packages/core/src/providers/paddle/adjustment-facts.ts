import * as z from 'zod';
import type { FactOf, PaymentFact, RefundStatus } from '../../payment-event.ts';
import { malformedEvent, shortText } from '../event-body.ts';
import { paddleAmount, paddleCurrency } from './amounts.ts';

/** Source: paddle-node-sdk IAdjustmentNotificationResponse, AdjustmentAction, AdjustmentStatus. */
export const adjustment = z.object({
  id: z.string(),
  action: z.enum([
    'credit',
    'credit_reverse',
    'refund',
    'chargeback',
    'chargeback_reverse',
    'chargeback_warning',
    'chargeback_warning_reverse',
  ]),
  transaction_id: z.string(),
  reason: z.string().nullish(),
  currency_code: paddleCurrency,
  status: z.enum(['pending_approval', 'approved', 'rejected', 'reversed']),
  totals: z.object({ total: paddleAmount }),
});
type Adjustment = z.infer<typeof adjustment>;

/**
 * What an adjustment says. Refunds have an id of their own. A chargeback has
 * none that outlives it: its reversal is another adjustment that names only
 * the transaction, and the chargeback's own update is documented for refunds
 * alone. So the dispute goes by the transaction's id, and its warning,
 * chargeback and reversal are facts about that one dispute. Two separate
 * chargebacks of one transaction are therefore seen as one, the latest.
 * Credits lower an invoice and move no money.
 */
export function adjustmentFacts(given: {
  readonly value: Adjustment;
  readonly occurredAtMs: number;
}): readonly PaymentFact[] {
  const { value, occurredAtMs } = given;
  const common = {
    occurredAtMs,
    references: [`payment:${value.transaction_id}` as const],
    amount: value.totals.total,
    currency: value.currency_code,
    reason: shortText(value.reason),
  };
  switch (value.action) {
    case 'credit':
    case 'credit_reverse':
      return [];
    case 'refund':
      return [{ ...common, kind: 'refund', id: value.id, status: refundStatuses[value.status] }];
    case 'chargeback':
    case 'chargeback_reverse':
    case 'chargeback_warning':
    case 'chargeback_warning_reverse':
      return [{ ...common, kind: 'dispute', id: value.transaction_id, ...disputeStanding(value.action, value.status) }];
  }
}

const refundStatuses = {
  pending_approval: 'pending',
  approved: 'succeeded',
  rejected: 'failed',
  reversed: 'reversed',
} as const satisfies Record<Adjustment['status'], RefundStatus>;

type Chargeback = Exclude<Adjustment['action'], 'credit' | 'credit_reverse' | 'refund'>;
type Standing = Pick<FactOf<'dispute'>, 'status' | 'funds'>;

/** Paddle creates chargebacks approved and marks one reversed once its reversal exists; the rest is for refunds. */
function disputeStanding(action: Chargeback, status: Adjustment['status']): Standing {
  const standing =
    status === 'approved' ? standings[action] : status === 'reversed' ? reversedStandings[action] : undefined;
  if (standing === undefined) throw malformedEvent(`a ${action} adjustment cannot be ${status}`);
  return standing;
}

const standings = {
  chargeback_warning: { status: 'inquiry' },
  chargeback_warning_reverse: { status: 'canceled' },
  chargeback: { status: 'lost', funds: 'withdrawn' },
  chargeback_reverse: { status: 'won', funds: 'reinstated' },
} as const satisfies Record<Chargeback, Standing>;

const reversedStandings: Partial<Record<Chargeback, Standing>> = {
  chargeback_warning: standings.chargeback_warning_reverse,
  chargeback: standings.chargeback_reverse,
};
