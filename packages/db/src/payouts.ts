import { sql } from 'kysely';
import type { PayoutState } from '@penstock/core/payment';
import type { LedgerTransaction } from './database.ts';

/** Writes a payout as folded. */
export async function writePayout(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly provider: string; readonly state: PayoutState },
): Promise<void> {
  const { account, provider, state } = options;
  const columns = {
    status: state.status,
    amount: state.amount,
    currency: state.currency,
    failure_code: state.failureCode,
    version: state.version,
    occurred_at: new Date(state.lastOccurredAtMs),
  };
  await tx
    .insertInto('payouts')
    .values({ account, provider, id: state.id, ...columns })
    .onConflict((conflict) =>
      conflict.columns(['account', 'id']).doUpdateSet({ ...columns, updated_at: sql<Date>`now()` }),
    )
    .execute();
}
