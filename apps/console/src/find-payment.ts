import type { LedgerDatabase, LedgerTransaction } from '@penstock/db/database';
import { deliveriesOfEvents, type TakenDelivery } from '@penstock/db/deliveries';
import { disputesOfPayment } from '@penstock/db/disputes';
import { findPayments } from '@penstock/db/payments';
import { refundsOfPayment } from '@penstock/db/refunds';
import { timelineOfPayment } from '@penstock/db/timeline';

/** A payment as the console tells it. Amounts are whole minor units of the currency beside them. */
export type PaymentView = Awaited<ReturnType<typeof viewOf>>;

export type PaymentFinding =
  | { readonly kind: 'found'; readonly payment: PaymentView }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly matches: readonly { readonly account: string; readonly id: string }[] };

/** Finds a payment by any id it goes by and reads all of it in one snapshot: events keep arriving while we look. */
export async function findPayment(
  db: LedgerDatabase,
  wanted: { readonly id: string; readonly account: string | undefined },
): Promise<PaymentFinding> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const [payment, ...others] = await findPayments(tx, wanted.id, { account: wanted.account });
      if (payment === undefined) return { kind: 'unknown' };
      if (others.length > 0)
        return { kind: 'ambiguous', matches: [payment, ...others].map(({ account, id }) => ({ account, id })) };
      return { kind: 'found', payment: await viewOf(tx, payment) };
    });
}

type PaymentRow = Awaited<ReturnType<typeof findPayments>>[number];
type RefundRow = Awaited<ReturnType<typeof refundsOfPayment>>[number];
type DisputeRow = Awaited<ReturnType<typeof disputesOfPayment>>[number];
type TimelineRow = Awaited<ReturnType<typeof timelineOfPayment>>[number];

async function viewOf(tx: LedgerTransaction, row: PaymentRow) {
  const refunds = await refundsOfPayment(tx, row.key);
  const disputes = await disputesOfPayment(tx, row.key);
  const timeline = await timelineOfPayment(tx, row.key);
  const sent = await deliveriesOfEvents(tx, [...new Set(timeline.map(({ event_id: id }) => id))]);
  return {
    id: row.id,
    account: row.account,
    provider: row.provider,
    status: row.status,
    amount: row.amount,
    currency: row.currency,
    amountCaptured: row.amount_captured,
    amountRefunded: row.amount_refunded,
    refundState: row.refund_state,
    disputeState: row.dispute_state,
    failureCode: row.failure_code,
    conflict: row.conflict,
    needsFetch: row.needs_fetch,
    version: row.version,
    occurredAt: row.occurred_at,
    updatedAt: row.updated_at,
    refunds: refunds.map(refundView),
    disputes: disputes.map(disputeView),
    timeline: timeline.map((event) => timelineView(event, sent.get(event.event_id) ?? [])),
  };
}

/** What refunds and disputes have in common, which is all of a refund. */
function refundView<Row extends RefundRow | DisputeRow>(row: Row) {
  return {
    id: row.id,
    status: row.status,
    amount: row.amount,
    currency: row.currency,
    reason: row.reason,
    version: row.version,
    occurredAt: row.occurred_at,
    updatedAt: row.updated_at,
  };
}

function disputeView(row: DisputeRow) {
  return { ...refundView(row), funds: row.funds };
}

function timelineView(row: TimelineRow, sent: readonly TakenDelivery[]) {
  return {
    canonicalType: row.canonical_type,
    type: row.type ?? row.canonical_type,
    bodyKept: row.type !== null,
    eventId: row.provider_event_id,
    endpoint: row.endpoint,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    tier: row.tier,
    keyId: row.key_id,
    requestId: row.request_id,
    state: row.state,
    finishedAt: row.finished_at,
    deliveries: sent.map(({ receivedAt, kind, requestId, keyId }) => ({ receivedAt, kind, requestId, keyId })),
    fact: row.fact,
  };
}
