import { foldPayment, foldPayout, type KeyedFact } from '@penstock/core/payment';
import { paymentFactSchema } from '@penstock/core/payment-event';
import type { LedgerTransaction } from '@penstock/db/database';
import { disputeRow, paymentRow, payoutRow, refundRow, type ProjectionRow } from '@penstock/db/projection-rows';
import { insertIntoShadow } from '@penstock/db/shadow';
import { sql } from 'kysely';

/** Facts in hand at once. */
const BATCH_MAX = 500;

/** Folds every payment and payout, in the order of their keys, from the shadow's facts. */
export async function foldShadow(
  tx: LedgerTransaction,
  options: {
    readonly schema: string;
    /** Told after each batch how many facts are folded so far; it may throw. */
    readonly onBatch: (done: number) => void;
  },
): Promise<void> {
  const { schema } = options;
  let done = 0;
  // The database writes what has been folded while more is.
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (rows: FoldedRows): Promise<void> => {
    await writing;
    writing = insertFolded(rows, { schema, tx });
    // Where the folding fails, nobody waits for it any more.
    writing.catch(() => undefined);
  };
  for (const owner of ['payment_key', 'payout_id'] as const) {
    let pending: StoredFact[] = [];
    for await (const batch of storedFacts(tx, { schema, owner })) {
      pending.push(...batch);
      // The last owner of a batch may have more facts in the next one.
      const last = ownerOf(pending.at(-1));
      const cut = pending.findIndex((fact) => ownerOf(fact) === last);
      await write(foldOwners(pending.slice(0, cut), owner));
      pending = pending.slice(cut);
      done += batch.length;
      options.onBatch(done);
    }
    await write(foldOwners(pending, owner));
  }
  await writing;
}

interface StoredFact {
  readonly ordinal: number;
  readonly account: string;
  readonly provider: string;
  readonly provider_event_id: string;
  readonly payment_key: number | null;
  readonly payout_id: string | null;
  readonly fact: unknown;
}

function ownerOf(fact: StoredFact | undefined): string {
  return `${fact?.account ?? ''} ${fact?.payment_key ?? fact?.payout_id ?? ''}`;
}

/** Facts in the order of whom they belong to, by a server-side cursor. */
async function* storedFacts(
  tx: LedgerTransaction,
  from: { readonly schema: string; readonly owner: 'payment_key' | 'payout_id' },
): AsyncGenerator<readonly StoredFact[]> {
  const cursor = sql.id(`facts_by_${from.owner}`);
  await sql`
    declare ${cursor} no scroll cursor for
    select ordinal, account, provider, provider_event_id, payment_key, payout_id, fact
    from ${sql.id(from.schema, 'told_facts')} left join ${sql.id(from.schema, 'keys')} using (node)
    where ${sql.id(from.owner)} is not null
    order by ${from.owner === 'payment_key' ? sql`payment_key` : sql`account collate "C", payout_id collate "C"`}`.execute(
    tx,
  );
  const fetch = () => sql<StoredFact>`fetch ${sql.lit(BATCH_MAX)} from ${cursor}`.execute(tx);
  let next = fetch();
  for (;;) {
    const { rows } = await next;
    if (rows.length === 0) break;
    // The database reads on while what it has read is folded.
    next = fetch();
    // Where the folding fails, nobody waits for it any more.
    next.catch(() => undefined);
    yield rows;
  }
  // While it is open, the table that it reads cannot be given indexes.
  await sql`close ${cursor}`.execute(tx);
}

/** What was folded, by table. */
type FoldedRows = {
  readonly [Table in 'payments' | 'refunds' | 'disputes' | 'payouts']?: readonly ProjectionRow<Table>[];
};

function foldOwners(facts: readonly StoredFact[], owner: 'payment_key' | 'payout_id'): FoldedRows {
  const families = [...Map.groupBy(facts, ownerOf).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const keyed: KeyedFact[] = group.map((row) => ({
      eventId: row.provider_event_id,
      ordinal: row.ordinal,
      fact: paymentFactSchema.parse(row.fact),
    }));
    return [{ owner: first, keyed }];
  });
  if (owner === 'payout_id')
    return {
      payouts: families.map(({ owner: { account, provider }, keyed }) =>
        payoutRow({ account, provider }, foldPayout(keyed)),
      ),
    };
  const folded = families.map(({ owner: first, keyed }) => ({
    of: { account: first.account, provider: first.provider, paymentKey: first.payment_key ?? 0 },
    family: foldPayment(keyed),
  }));
  return {
    payments: folded.map(({ of, family }) => paymentRow(of, family.payment)),
    refunds: folded.flatMap(({ of, family }) => family.refunds.map((refund) => refundRow(of, refund))),
    disputes: folded.flatMap(({ of, family }) => family.disputes.map((dispute) => disputeRow(of, dispute))),
  };
}

async function insertFolded(
  rows: FoldedRows,
  { schema, tx }: { readonly schema: string; readonly tx: LedgerTransaction },
): Promise<void> {
  const { payments = [], refunds = [], disputes = [], payouts = [] } = rows;
  await Promise.all([
    insertIntoShadow(tx, { schema, table: 'payments' }, payments),
    insertIntoShadow(tx, { schema, table: 'refunds' }, refunds),
    insertIntoShadow(tx, { schema, table: 'disputes' }, disputes),
    insertIntoShadow(tx, { schema, table: 'payouts' }, payouts),
  ]);
}
