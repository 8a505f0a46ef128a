import { sql } from 'kysely';
import type { RefundState } from '@penstock/core/payment';
import type { Connection, LedgerTransaction } from './database.ts';

/** Writes the refunds of a payment as folded. */
export async function writeRefunds(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly paymentKey: number; readonly refunds: readonly RefundState[] },
): Promise<void> {
  if (options.refunds.length === 0) return;
  await tx
    .insertInto('refunds')
    .values(
      options.refunds.map((refund) => ({
        account: options.account,
        id: refund.id,
        payment_key: options.paymentKey,
        status: refund.status,
        amount: refund.amount,
        currency: refund.currency,
        reason: refund.reason,
        version: refund.version,
        occurred_at: new Date(refund.lastOccurredAtMs),
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['account', 'id']).doUpdateSet((excluded) => ({
        payment_key: excluded.ref('excluded.payment_key'),
        status: excluded.ref('excluded.status'),
        amount: excluded.ref('excluded.amount'),
        currency: excluded.ref('excluded.currency'),
        reason: excluded.ref('excluded.reason'),
        version: excluded.ref('excluded.version'),
        occurred_at: excluded.ref('excluded.occurred_at'),
        updated_at: sql<Date>`now()`,
      })),
    )
    .execute();
}

/** The refunds of a payment, in the order of their ids. */
export async function refundsOfPayment(db: Connection, paymentKey: number) {
  return db.selectFrom('refunds').selectAll().where('payment_key', '=', paymentKey).orderBy('id').execute();
}
