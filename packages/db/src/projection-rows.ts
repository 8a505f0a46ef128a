import type { DisputeState, PaymentState, PayoutState, RefundState } from '@penstock/core/payment';
import type { SetColumns } from './set-of.ts';

/** Whose rows these are. */
export interface RowOwner {
  readonly account: string;
  readonly provider: string;
  readonly paymentKey: number;
}

/** What the rows of each projection hold, but for when they were written. */
export const columnTypes = {
  payments: {
    key: 'bigint',
    account: 'text',
    provider: 'text',
    id: 'text',
    status: 'text',
    amount: 'bigint',
    currency: 'text',
    amount_captured: 'bigint',
    amount_refunded: 'bigint',
    refund_state: 'text',
    dispute_state: 'text',
    failure_code: 'text',
    conflict: 'text',
    needs_fetch: 'boolean',
    version: 'int',
    occurred_at: 'timestamptz',
  },
  payment_references: { account: 'text', reference: 'text', payment_key: 'bigint' },
  refunds: {
    account: 'text',
    id: 'text',
    payment_key: 'bigint',
    status: 'text',
    amount: 'bigint',
    currency: 'text',
    reason: 'text',
    version: 'int',
    occurred_at: 'timestamptz',
  },
  disputes: {
    account: 'text',
    id: 'text',
    payment_key: 'bigint',
    status: 'text',
    funds: 'text',
    amount: 'bigint',
    currency: 'text',
    reason: 'text',
    version: 'int',
    occurred_at: 'timestamptz',
  },
  payouts: {
    account: 'text',
    id: 'text',
    provider: 'text',
    status: 'text',
    amount: 'bigint',
    currency: 'text',
    failure_code: 'text',
    version: 'int',
    occurred_at: 'timestamptz',
  },
  payment_facts: {
    event_id: 'bigint',
    ordinal: 'int',
    account: 'text',
    provider_event_id: 'text',
    payment_key: 'bigint',
    payout_id: 'text',
    type: 'text',
    occurred_at: 'timestamptz',
    fact: 'jsonb',
  },
} as const satisfies Readonly<Record<string, SetColumns>>;

/** A row of a projection as a set takes it (set-of.ts). */
export type ProjectionRow<Table extends keyof typeof columnTypes> = {
  readonly [Column in keyof (typeof columnTypes)[Table]]: unknown;
};

/** A payment as its table holds it. */
export function paymentRow(owner: RowOwner, state: PaymentState): ProjectionRow<'payments'> {
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

export function refundRow(owner: RowOwner, refund: RefundState): ProjectionRow<'refunds'> {
  const { id, status, amount, currency, reason, version } = refund;
  const { account, paymentKey: payment_key } = owner;
  return { account, id, payment_key, status, amount, currency, reason, version, occurred_at: timeOf(refund) };
}

export function disputeRow(owner: RowOwner, dispute: DisputeState): ProjectionRow<'disputes'> {
  const { id, status, funds, amount, currency, reason, version } = dispute;
  const { account, paymentKey: payment_key } = owner;
  return { account, id, payment_key, status, funds, amount, currency, reason, version, occurred_at: timeOf(dispute) };
}

export function payoutRow(owner: Omit<RowOwner, 'paymentKey'>, payout: PayoutState): ProjectionRow<'payouts'> {
  const { id, status, amount, currency, failureCode: failure_code, version } = payout;
  return { ...owner, id, status, amount, currency, failure_code, version, occurred_at: timeOf(payout) };
}

function timeOf({ lastOccurredAtMs }: { readonly lastOccurredAtMs: number }): string {
  return new Date(lastOccurredAtMs).toISOString();
}
