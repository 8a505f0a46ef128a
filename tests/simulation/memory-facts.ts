import { foldPayment, type KeyedFact } from '@penstock/core/payment';
import type { Applied, FactSource } from '@penstock/db/apply-facts';
import { namesOf } from '@penstock/db/payment-references';
import type { MemoryTables, MemoryTransaction } from './memory-tables.ts';

/** What `applyFacts` promises, in memory: one lock an account, which holds back more than PostgreSQL's do. */
export async function applyFactsInMemory(
  tx: MemoryTransaction,
  source: FactSource,
  nextId: MemoryTables['nextId'],
): Promise<Applied> {
  await tx.lock(`facts ${source.account}`);
  const payments: Applied['payments'][number][] = [];
  for (const family of families(source.facts)) payments.push(applyToPayment(tx, { ...source, ...family }, nextId));
  return { payments, payouts: [], moved: [] };
}

interface Family {
  readonly names: ReadonlySet<string>;
  readonly facts: readonly KeyedFact[];
}

function applyToPayment(tx: MemoryTransaction, source: FactSource & Family, nextId: MemoryTables['nextId']) {
  const { account } = source;
  const known = tx
    .all('payments')
    .filter(([, row]) => row.account === account && [...row.names].some((name) => source.names.has(name)))
    .map(([key, row]) => ({ key: Number(key), names: row.names }))
    .toSorted((one, other) => one.key - other.key);
  const survivor = known[0]?.key ?? nextId();
  const keys = new Set(known.map(({ key }) => key));

  for (const [ordinal, row] of tx.all('facts')) {
    if (keys.has(row.payment) && row.payment !== survivor) tx.put('facts', ordinal, { ...row, payment: survivor });
  }
  for (const { key } of known) if (key !== survivor) tx.remove('payments', String(key));
  for (const keyed of source.facts)
    tx.put('facts', `${source.eventId} ${keyed.ordinal}`, {
      account,
      ledgerId: source.eventId,
      payment: survivor,
      keyed,
    });

  const names = new Set([...known.flatMap((payment) => [...payment.names]), ...source.names]);
  const family = foldPayment(
    tx
      .all('facts')
      .filter(([, row]) => row.payment === survivor)
      .map(([, row]) => row.keyed),
  );
  tx.put('payments', String(survivor), { account, names, family });
  return { key: survivor, ...family };
}

/** Facts of one event that share a name are about one payment. */
function families(facts: readonly KeyedFact[]): readonly Family[] {
  let result: readonly Family[] = [];
  for (const keyed of facts) {
    const names = new Set(namesOf(keyed.fact));
    if (names.size === 0) continue;
    const related = result.filter((family) => [...family.names].some((name) => names.has(name)));
    const joined = {
      names: new Set([...related.flatMap((family) => [...family.names]), ...names]),
      facts: [...related.flatMap((family) => family.facts), keyed],
    };
    result = [...result.filter((family) => !related.includes(family)), joined];
  }
  return result;
}
