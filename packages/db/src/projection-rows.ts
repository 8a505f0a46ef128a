import type { DisputeState, PaymentState, PayoutState, RefundState } from '@penstock/core/payment';

/** Whose rows these are. */
export interface RowOwner {
  readonly account: string;
  readonly provider: string;
  readonly paymentKey: number;
}

type Row = Readonly<Record<string, unknown>>;

/** A payment as its table holds it, as JSON. */
export function paymentRow(owner: RowOwner, state: PaymentState): Row {
  return {
    key: owner.paymentKey,
    account: owner.account,
    provider: owner.provider,
    id: state.id,
    status: state.status,
    amount: state.amount,
    currency: state.currency,
    amount_captured: state.amountCaptured,
    amount_refunded: state.amountRefunded,
    refund_state: state.refundState,
    dispute_state: state.disputeState,
    failure_code: state.failureCode,
    conflict: state.conflict,
    needs_fetch: state.needsFetch,
    version: state.version,
    occurred_at: timeOf(state),
  };
}

export function refundRow(owner: RowOwner, refund: RefundState): Row {
  const { id, status, amount, currency, reason, version } = refund;
  const { account, paymentKey: payment_key } = owner;
  return { account, id, payment_key, status, amount, currency, reason, version, occurred_at: timeOf(refund) };
}

export function disputeRow(owner: RowOwner, dispute: DisputeState): Row {
  const { id, status, funds, amount, currency, reason, version } = dispute;
  const { account, paymentKey: payment_key } = owner;
  return { account, id, payment_key, status, funds, amount, currency, reason, version, occurred_at: timeOf(dispute) };
}

export function payoutRow(owner: Omit<RowOwner, 'paymentKey'>, payout: PayoutState): Row {
  const { id, status, amount, currency, failureCode: failure_code, version } = payout;
  return { ...owner, id, status, amount, currency, failure_code, version, occurred_at: timeOf(payout) };
}

function timeOf({ lastOccurredAtMs }: { readonly lastOccurredAtMs: number }): string {
  return new Date(lastOccurredAtMs).toISOString();
}
