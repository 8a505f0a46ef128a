import { minorUnits } from '../../money.ts';
import type { DisputeStatus, FactOf, PaymentFact, PaymentReference, RefundStatus } from '../../payment-event.ts';
import { shortText } from '../event-body.ts';
import { documented, occurredAtMsOf, returnedMoneyFields, type EventTime } from './facts.ts';
import { payPalReferences } from './references.ts';
import type { PayPalDispute, PayPalRefund } from './resources.ts';

/** A refund, and where it succeeded the running total its capture or sale reports with it. */
export function refundFacts(refund: PayPalRefund, usual: RefundStatus, event: EventTime): readonly PaymentFact[] {
  const written = refund.status ?? refund.state;
  const status =
    written === undefined ? usual : documented(refundStatuses, { value: written, path: 'the status of the refund' });
  const fact: FactOf<'refund'> = {
    kind: 'refund',
    occurredAtMs: occurredAtMsOf(timesOf(refund, status, event), event),
    id: refund.id,
    references: payPalReferences(null, refund),
    status,
    ...returnedMoneyFields(refund.amount),
    reason: shortText(refund.status_details?.reason),
  };
  const total = refund.seller_payable_breakdown?.total_refunded_amount ?? refund.total_refunded_amount;
  if (total === undefined || status !== 'succeeded' || fact.references.length === 0) return [fact];
  const snapshot: FactOf<'payment'> = {
    kind: 'payment',
    occurredAtMs: fact.occurredAtMs,
    references: fact.references,
    currency: total.currency,
    refundedTotal: Math.abs(minorUnits(total.decimal, total.currency)),
  };
  return [fact, snapshot];
}

/** A refund does not fail when it is made: without the time of its last change it failed when the event says so. */
function timesOf(refund: PayPalRefund, status: RefundStatus, event: EventTime) {
  const isUndone = status === 'failed' || status === 'canceled';
  return isUndone ? { ...refund, update_time: refund.update_time ?? event.create_time } : refund;
}

/**
 * PayPal takes captured money back by itself (a chargeback, a bank's return):
 * the resource is the movement. The dispute behind it, if any, is told by its
 * own events under another id, so this one stands as decided and lost: there is
 * nothing left to answer here.
 */
export function reversalFact(
  reversal: PayPalRefund,
  fallback: readonly PaymentReference[],
  event: EventTime,
): FactOf<'dispute'> {
  const named = payPalReferences(null, reversal);
  return {
    kind: 'dispute',
    occurredAtMs: occurredAtMsOf(reversal, event),
    id: reversal.id,
    references: named.length > 0 ? named : [...fallback],
    status: 'lost',
    funds: 'withdrawn',
    ...returnedMoneyFields(reversal.amount),
    reason: 'reversed',
  };
}

/**
 * One fact a disputed transaction, each belonging to its own payment. The
 * seller's transaction id may be a capture's or a v1 sale's; the two share one
 * space of ids, so it is given as both.
 */
export function disputeFacts(
  dispute: PayPalDispute,
  usual: DisputeStatus | undefined,
  event: EventTime,
): readonly FactOf<'dispute'>[] {
  const occurredAtMs = occurredAtMsOf(dispute, event);
  const status = disputeStatus(dispute, usual);
  const named = [
    dispute.seller_payment_id,
    ...(dispute.disputed_transactions ?? []).map((transaction) => transaction.seller_transaction_id),
  ];
  const transactions = [...new Set(named.filter((id) => id !== null && id !== undefined && id !== ''))];
  const families =
    transactions.length === 0 ? [[]] : transactions.map((id): PaymentReference[] => [`capture:${id}`, `sale:${id}`]);
  return families.map((references) => ({
    kind: 'dispute',
    occurredAtMs,
    id: dispute.dispute_id,
    references,
    status,
    ...returnedMoneyFields(dispute.dispute_amount),
    reason: shortText(dispute.reason),
  }));
}

/**
 * A resolution that does not say which way it went leaves the status as it was,
 * and the outcome of a dispute that is open again is an old one.
 */
function disputeStatus(dispute: PayPalDispute, usual: DisputeStatus | undefined): DisputeStatus | undefined {
  if (dispute.status === undefined && usual !== undefined) return usual;
  const outcome = dispute.dispute_outcome?.outcome_code ?? undefined;
  const isResolved = dispute.status === undefined || dispute.status === 'RESOLVED';
  if (isResolved && outcome !== undefined)
    return documented(outcomes, { value: outcome, path: 'dispute_outcome.outcome_code' });
  if (dispute.status === undefined) return undefined;
  return documented(disputeStatuses, { value: dispute.status, path: 'the status of the dispute' }) ?? undefined;
}

const refundStatuses: ReadonlyMap<string, RefundStatus> = new Map([
  ['COMPLETED', 'succeeded'],
  ['PENDING', 'pending'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'canceled'],
]);

/** OTHER and a bare RESOLVED say nothing that can be acted on. */
const disputeStatuses: ReadonlyMap<string, DisputeStatus | null> = new Map([
  ['OPEN', 'needs_response'],
  ['WAITING_FOR_SELLER_RESPONSE', 'needs_response'],
  ['WAITING_FOR_BUYER_RESPONSE', 'under_review'],
  ['UNDER_REVIEW', 'under_review'],
  ['RESOLVED', null],
  ['OTHER', null],
]);

/** RESOLVED_WITH_PAYOUT: PayPal pays the buyer, the merchant keeps the money. NONE: closed without a decision. */
const outcomes: ReadonlyMap<string, DisputeStatus> = new Map([
  ['RESOLVED_BUYER_FAVOUR', 'lost'],
  ['RESOLVED_SELLER_FAVOUR', 'won'],
  ['RESOLVED_WITH_PAYOUT', 'won'],
  ['CANCELED_BY_BUYER', 'canceled'],
  ['ACCEPTED', 'accepted'],
  ['DENIED', 'won'],
  ['NONE', 'canceled'],
]);
