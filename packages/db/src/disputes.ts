import { sql } from 'kysely';
import type { DisputeState } from '@penstock/core/payment';
import type { Connection, LedgerTransaction } from './database.ts';

/** Writes the disputes of a payment as folded. */
export async function writeDisputes(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly paymentKey: number; readonly disputes: readonly DisputeState[] },
): Promise<void> {
  if (options.disputes.length === 0) return;
  await tx
    .insertInto('disputes')
    .values(
      options.disputes.map((dispute) => ({
        account: options.account,
        id: dispute.id,
        payment_key: options.paymentKey,
        status: dispute.status,
        funds: dispute.funds,
        amount: dispute.amount,
        currency: dispute.currency,
        reason: dispute.reason,
        version: dispute.version,
        occurred_at: new Date(dispute.lastOccurredAtMs),
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['account', 'id', 'payment_key']).doUpdateSet((excluded) => ({
        status: excluded.ref('excluded.status'),
        funds: excluded.ref('excluded.funds'),
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

/** The disputes of a payment, in the order of their ids. */
export async function disputesOfPayment(db: Connection, paymentKey: number) {
  return db.selectFrom('disputes').selectAll().where('payment_key', '=', paymentKey).orderBy('id').execute();
}
