import * as z from 'zod';
import type { DisputeFunds, DisputeStatus, FactOf } from '../../payment-event.ts';
import { readPart, shortText } from '../event-body.ts';
import { checkoutMinorUnits } from './amounts.ts';

export interface DisputeOutcome {
  readonly status: DisputeStatus | undefined;
  readonly funds: DisputeFunds | undefined;
}

/**
 * What each dispute event says. Funds are told only where the documentation
 * says that the account was debited or credited; `dispute_resolved` is a
 * dispute that a refund made before had settled. Source: checkout.com/docs,
 * event types.
 */
export const disputeOutcomes: ReadonlyMap<string, DisputeOutcome> = new Map([
  ['dispute_received', { status: undefined, funds: undefined }],
  ['dispute_evidence_required', { status: 'needs_response', funds: 'withdrawn' }],
  ['dispute_evidence_submitted', { status: 'under_review', funds: undefined }],
  ['dispute_evidence_acknowledged_by_scheme', { status: 'under_review', funds: undefined }],
  ['dispute_arbitration_sent_to_scheme', { status: 'under_review', funds: undefined }],
  ['dispute_won', { status: 'won', funds: 'reinstated' }],
  ['dispute_arbitration_won', { status: 'won', funds: undefined }],
  ['dispute_lost', { status: 'lost', funds: undefined }],
  ['dispute_arbitration_lost', { status: 'lost', funds: undefined }],
  ['dispute_accepted', { status: 'accepted', funds: undefined }],
  ['dispute_expired', { status: 'expired', funds: undefined }],
  ['dispute_canceled', { status: 'canceled', funds: 'reinstated' }],
  ['dispute_resolved', { status: 'canceled', funds: undefined }],
]);

const disputeData = z.object({
  id: z.string(),
  payment_id: z.string().nullish(),
  amount: z.int().nonnegative().nullish(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullish(),
  reason_code: z.string().nullish(),
  category: z.string().nullish(),
});

export function disputeFact(
  data: unknown,
  told: { readonly occurredAtMs: number; readonly outcome: DisputeOutcome },
): FactOf<'dispute'> {
  const dispute = readPart({ schema: disputeData, value: data, path: 'data' });
  const { id, payment_id, amount, currency } = dispute;
  const known = amount !== null && amount !== undefined && currency !== null && currency !== undefined;
  return {
    kind: 'dispute',
    occurredAtMs: told.occurredAtMs,
    id,
    references: payment_id === null || payment_id === undefined ? [] : [`payment:${payment_id}`],
    status: told.outcome.status,
    funds: told.outcome.funds,
    amount: known ? checkoutMinorUnits(amount, currency) : undefined,
    currency: known ? currency : undefined,
    reason: shortText(dispute.reason_code ?? dispute.category),
  };
}
