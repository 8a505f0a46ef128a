import * as z from 'zod';
import { minorUnits } from '../../money.ts';
import type { DisputeStatus, FactOf } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';
import { optional } from './notification.ts';

/** Source: braintree dispute.js, Dispute.Status and Dispute.Kind. */
export const dispute = z.object({
  id: z.string(),
  status: z.enum(['accepted', 'auto_accepted', 'disputed', 'expired', 'lost', 'open', 'under_review', 'won']),
  kind: optional(z.enum(['chargeback', 'pre_arbitration', 'retrieval'])),
  'amount-disputed': optional(z.string()),
  amount: optional(z.string()),
  'currency-iso-code': optional(z.string().regex(/^[A-Z]{3}$/)),
  reason: optional(z.string()),
  transaction: z.object({ id: z.string() }),
});

const statuses = {
  open: 'needs_response',
  disputed: 'under_review',
  under_review: 'under_review',
  accepted: 'accepted',
  auto_accepted: 'accepted',
  expired: 'expired',
  lost: 'lost',
  won: 'won',
} as const satisfies Record<z.output<typeof dispute>['status'], DisputeStatus>;

/** A retrieval asks for documents; no money is disputed yet. */
export function disputeFact(read: z.output<typeof dispute>, occurredAtMs: number): FactOf<'dispute'> {
  const amount = read['amount-disputed'] ?? read.amount;
  const currency = read['currency-iso-code'];
  return {
    kind: 'dispute',
    occurredAtMs,
    id: read.id,
    references: [`payment:${read.transaction.id}`],
    status: read.kind === 'retrieval' && read.status === 'open' ? 'inquiry' : statuses[read.status],
    amount: amount === undefined || currency === undefined ? undefined : minorUnits(amount, currency),
    currency,
    reason: shortText(read.reason),
  };
}
