import { sql } from 'kysely';
import type { KeyedFact } from '@penstock/core/payment';
import { canonicalType, paymentFactSchema } from '@penstock/core/payment-event';
import type { LedgerTransaction } from './database.ts';

/** Where an event's facts go: to a payment, or to a payout. */
export type FactOwner = { readonly paymentKey: number } | { readonly payoutId: string };

/** Adds an event's facts to the set that is folded. Facts already there stay. */
export async function storeFacts(
  tx: LedgerTransaction,
  options: {
    readonly eventId: number;
    readonly account: string;
    readonly owner: FactOwner;
    readonly facts: readonly KeyedFact[];
  },
): Promise<void> {
  const { owner } = options;
  await tx
    .insertInto('payment_facts')
    .values(
      options.facts.map(({ eventId, ordinal, fact }) => ({
        event_id: options.eventId,
        ordinal,
        account: options.account,
        provider_event_id: eventId,
        payment_key: 'paymentKey' in owner ? owner.paymentKey : null,
        payout_id: 'payoutId' in owner ? owner.payoutId : null,
        type: canonicalType(fact),
        occurred_at: new Date(fact.occurredAtMs),
        fact: sql<string>`${JSON.stringify(fact)}::jsonb`,
      })),
    )
    .onConflict((conflict) => conflict.columns(['event_id', 'ordinal']).doNothing())
    .execute();
}

/** A fact with the payment that it is stored under. */
export interface StoredFact extends KeyedFact {
  readonly paymentKey: number | null;
}

/** All facts stored about these payments. */
export async function factsOfPayments(tx: LedgerTransaction, keys: readonly number[]): Promise<readonly StoredFact[]> {
  if (keys.length === 0) return [];
  const rows = await tx
    .selectFrom('payment_facts')
    .select(['provider_event_id', 'ordinal', 'fact', 'payment_key'])
    .where('payment_key', 'in', [...keys])
    .execute();
  return rows.map((row) => ({ ...toKeyedFact(row), paymentKey: row.payment_key }));
}

/** All facts stored about a payout. */
export async function factsOfPayout(
  tx: LedgerTransaction,
  payout: { readonly account: string; readonly id: string },
): Promise<readonly KeyedFact[]> {
  const rows = await tx
    .selectFrom('payment_facts')
    .select(['provider_event_id', 'ordinal', 'fact'])
    .where('account', '=', payout.account)
    .where('payout_id', '=', payout.id)
    .execute();
  return rows.map(toKeyedFact);
}

/** A stored fact, parsed. */
export function toKeyedFact(row: {
  readonly provider_event_id: string;
  readonly ordinal: number;
  readonly fact: unknown;
}): KeyedFact {
  return { eventId: row.provider_event_id, ordinal: row.ordinal, fact: paymentFactSchema.parse(row.fact) };
}
