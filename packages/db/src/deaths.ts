import type { Failure } from '@penstock/core/failure';
import type { LedgerTransaction } from './database.ts';
import type { DeathReason } from './schema.ts';

/** Records that an event died, in the transaction that marks it dead. */
export async function storeDeath(
  tx: LedgerTransaction,
  ledgerId: number,
  { failure, reason }: { readonly failure: Failure; readonly reason: DeathReason },
): Promise<void> {
  const { code, message, fingerprint } = failure;
  await tx.insertInto('deaths').values({ ledger_id: ledgerId, code, message, fingerprint, reason }).execute();
}
