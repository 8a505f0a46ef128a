import { sql } from 'kysely';
import type { PaymentFact } from '@penstock/core/payment-event';
import type { LedgerTransaction } from './database.ts';

/**
 * Every name by which a fact leads to its payment. A refund is a name as well:
 * an event that knows only the refund finds the payment that another tied it
 * to. A dispute is one only where it names no payment, for it may be about
 * several, which its name must not make one.
 */
export function namesOf(fact: PaymentFact): readonly string[] {
  switch (fact.kind) {
    case 'payment':
      return fact.references;
    case 'refund':
      return [...fact.references, `refund:${fact.id}`];
    case 'dispute':
      return fact.references.length > 0 ? fact.references : [`dispute:${fact.id}`];
    case 'payout':
      return [];
  }
}

/**
 * Holds back every other transaction about one of these names until this one
 * ends. The fixed order keeps two transactions from waiting for each other.
 */
export async function lockNames(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly names: readonly string[] },
): Promise<void> {
  const sorted = [...new Set(options.names)].sort();
  if (sorted.length === 0) return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${options.account} || ' ' || name, 0)) from unnest(${sorted}::text[]) as name`.execute(
    tx,
  );
}

/** The keys of the payments that go by any of these names, ascending. */
export async function paymentsNamed(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly names: readonly string[] },
): Promise<readonly number[]> {
  const rows = await tx
    .selectFrom('payment_references')
    .select('payment_key')
    .distinct()
    .where('account', '=', options.account)
    .where('reference', 'in', [...options.names])
    .orderBy('payment_key')
    .execute();
  return rows.map((row) => row.payment_key);
}

/** Adds names to a payment; those it has already stay. */
export async function namePayment(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly names: readonly string[]; readonly paymentKey: number },
): Promise<void> {
  await tx
    .insertInto('payment_references')
    .values(
      [...new Set(options.names)].map((reference) => ({
        account: options.account,
        reference,
        payment_key: options.paymentKey,
      })),
    )
    .onConflict((conflict) => conflict.columns(['account', 'reference']).doNothing())
    .execute();
}

/** Gives one payment everything that belonged to others which turned out to be the same. */
export async function mergeIntoPayment(
  tx: LedgerTransaction,
  options: { readonly survivor: number; readonly merged: readonly number[] },
): Promise<void> {
  if (options.merged.length === 0) return;
  // The fold writes the survivor's disputes anew; moving the rows could double one.
  await tx
    .deleteFrom('disputes')
    .where('payment_key', 'in', [...options.merged])
    .execute();
  for (const table of ['payment_references', 'payment_facts', 'refunds'] as const) {
    await tx
      .updateTable(table)
      .set({ payment_key: options.survivor })
      .where('payment_key', 'in', [...options.merged])
      .execute();
  }
}
