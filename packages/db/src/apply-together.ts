import { sql } from 'kysely';
import { moneyMoved } from '@penstock/core/money-moved';
import { foldPayment, type KeyedFact } from '@penstock/core/payment';
import type { Applied, FactSource } from './apply-facts.ts';
import { settlePaymentConflicts } from './conflicts.ts';
import type { LedgerTransaction } from './database.ts';
import { toKeyedFact } from './payment-facts.ts';
import { mergeIntoPayment } from './payment-references.ts';
import { deletePayments } from './payments.ts';
import { writeTogether, type FoldedPayment } from './write-together.ts';

/** An event that tells of one payment, by these names, and of nothing else. */
export interface PaymentSource extends FactSource {
  readonly names: readonly string[];
}

/**
 * Does for many events what `applyFacts` does for one: adds their facts and
 * folds each payment anew, by as many statements as for one. No two of them
 * may share a name. Returns what each changed, in their order. Rejects where
 * two are of one payment all the same, by names that only the ledger knows to
 * be its: each would be folded without the other.
 *
 * Locks names, then payments, each in a fixed order, until the transaction ends.
 */
export async function applyTogether(
  tx: LedgerTransaction,
  sources: readonly PaymentSource[],
): Promise<readonly Applied[]> {
  if (sources.length === 0) return [];
  const known = await lockPaymentsNamed(tx, sources);
  const found = known.flatMap(({ keys }) => keys);
  if (new Set(found).size < found.length) throw new Error('Two of the events are of one payment: they go alone.');
  const facts = await factsByPayment(tx, found);
  const folded = sources.map((source, position): Folded => {
    const { keys, inConflict } = known[position] ?? { keys: [], inConflict: false };
    const before = keys.map((key) => facts.get(key) ?? []);
    const family = foldPayment([...before.flat(), ...source.facts]);
    const [key = null, ...merged] = keys;
    const moved = moneyMoved(
      before.filter(({ length }) => length > 0).map((told) => foldPayment(told)),
      [family],
    );
    return { source, key, merged, inConflict, family, moved };
  });

  for (const { key: survivor, merged } of folded) {
    if (survivor === null || merged.length === 0) continue;
    await mergeIntoPayment(tx, { survivor, merged });
    await deletePayments(tx, merged);
  }
  const keys = await writeTogether(tx, folded);
  const written = folded.map((each, position) => ({ ...each, key: keys[position] ?? 0 }));
  for (const { key, merged, inConflict, source, family } of written)
    if (inConflict || family.payment.conflict !== null || family.payment.needsFetch)
      await settlePaymentConflicts(tx, { keys: [key, ...merged], eventId: source.eventId });
  return written.map(({ key, family, moved }) => ({ payments: [{ key, ...family }], payouts: [], moved }));
}

interface Folded extends FoldedPayment {
  readonly source: PaymentSource;
  /** Payments that turned out to be this one. */
  readonly merged: readonly number[];
  readonly inConflict: boolean;
  readonly moved: Applied['moved'];
}

interface Known {
  readonly keys: readonly number[];
  readonly inConflict: boolean;
}

/** As with one event: while a lock is waited for, payments may be merged; then the look is taken again. */
async function lockPaymentsNamed(tx: LedgerTransaction, sources: readonly PaymentSource[]): Promise<readonly Known[]> {
  const named = sources.flatMap(({ account, names }, position) =>
    names.map((name) => ({ position, account, name, lock: `${account} ${name}` })),
  );
  const locks = named.map(({ lock }) => lock).sort();
  await sql`select pg_advisory_xact_lock(hashtextextended(lock, 0)) from unnest(${locks}::text[]) as lock`.execute(tx);

  const look = async (): Promise<readonly (readonly number[])[]> => {
    const { rows } = await sql<{ position: number; keys: number[] }>`
      select position, array_agg(distinct payment_key order by payment_key) as keys
      from unnest(${named.map(({ position }) => position)}::int[], ${named.map(({ account }) => account)}::text[],
                  ${named.map(({ name }) => name)}::text[]) as named (position, account, reference)
      join payment_references using (account, reference) group by position`.execute(tx);
    const keys = new Map(rows.map((row) => [row.position, row.keys.map(Number)]));
    return sources.map((_, position) => keys.get(position) ?? []);
  };
  for (;;) {
    const found = await look();
    const keys = [...new Set(found.flat())];
    if (keys.length === 0) return found.map(() => ({ keys: [], inConflict: false }));
    const { rows } = await sql<{ key: number; contested: boolean }>`
      select key, conflict is not null or needs_fetch as contested from payments
      where key = any(${keys}::bigint[]) order by key for update`.execute(tx);
    const contested = new Set(rows.filter((row) => row.contested).map(({ key }) => key));
    if (JSON.stringify(found) === JSON.stringify(await look()))
      return found.map((each) => ({ keys: each, inConflict: each.some((key) => contested.has(key)) }));
  }
}

async function factsByPayment(
  tx: LedgerTransaction,
  keys: readonly number[],
): Promise<ReadonlyMap<number, readonly KeyedFact[]>> {
  if (keys.length === 0) return new Map();
  const { rows } = await sql<{ payment_key: number; provider_event_id: string; ordinal: number; fact: unknown }>`
    select payment_key, provider_event_id, ordinal, fact from payment_facts
    where payment_key = any(${[...keys]}::bigint[])`.execute(tx);
  return new Map([...Map.groupBy(rows, (row) => row.payment_key)].map(([key, group]) => [key, group.map(toKeyedFact)]));
}
