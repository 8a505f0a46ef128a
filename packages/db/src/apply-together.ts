import { sql } from 'kysely';
import { moneyMoved } from '@penstock/core/money-moved';
import { foldPayment, type KeyedFact, type PaymentFamily } from '@penstock/core/payment';
import { canonicalType } from '@penstock/core/payment-event';
import type { Applied, FactSource } from './apply-facts.ts';
import { settlePaymentConflicts } from './conflicts.ts';
import type { LedgerTransaction } from './database.ts';
import { toKeyedFact } from './payment-facts.ts';
import { mergeIntoPayment } from './payment-references.ts';
import { deletePayments } from './payments.ts';
import { disputeRow, paymentRow, refundRow } from './projection-rows.ts';

/** An event that tells of one payment, by these names, and of nothing else. */
export interface PaymentSource extends FactSource {
  readonly names: readonly string[];
}

/**
 * Does for many events what `applyFacts` does for one: adds their facts and
 * folds each payment anew, by as many statements as for one. No two of them
 * may share a name. Returns what each changed, in their order.
 *
 * Locks names, then payments, each in a fixed order, until the transaction ends.
 */
export async function applyTogether(
  tx: LedgerTransaction,
  sources: readonly PaymentSource[],
): Promise<readonly Applied[]> {
  if (sources.length === 0) return [];
  const known = await lockPaymentsNamed(tx, sources);
  const facts = await factsByPayment(tx, [...new Set(known.flatMap(({ keys }) => keys))]);
  const newKeys = await takeKeys(tx, known.filter(({ keys }) => keys.length === 0).length);
  const folded = sources.map((source, position): Folded => {
    const { keys, inConflict } = known[position] ?? { keys: [], inConflict: false };
    const before = keys.map((key) => facts.get(key) ?? []);
    const family = foldPayment([...before.flat(), ...source.facts]);
    const [survivor, ...merged] = keys;
    const key = survivor ?? newKeys.shift() ?? 0;
    const moved = moneyMoved(
      before.filter(({ length }) => length > 0).map((told) => foldPayment(told)),
      [family],
    );
    return { source, key, isNew: survivor === undefined, merged, inConflict, family, moved };
  });

  for (const { key: survivor, merged } of folded) {
    if (merged.length === 0) continue;
    await mergeIntoPayment(tx, { survivor, merged });
    await deletePayments(tx, merged);
  }
  await writePayments(tx, folded);
  await nameAndStore(tx, folded);
  await writeChildren(tx, folded);
  for (const { key, merged, inConflict, source, family } of folded)
    if (inConflict || family.payment.conflict !== null || family.payment.needsFetch)
      await settlePaymentConflicts(tx, { keys: [key, ...merged], eventId: source.eventId });
  return folded.map(({ key, family, moved }) => ({ payments: [{ key, ...family }], payouts: [], moved }));
}

interface Folded {
  readonly source: PaymentSource;
  readonly key: number;
  readonly isNew: boolean;
  readonly merged: readonly number[];
  readonly inConflict: boolean;
  readonly family: PaymentFamily;
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

/** Keys for payments to come, so that everything about them can be written without asking for each. */
async function takeKeys(tx: LedgerTransaction, count: number): Promise<number[]> {
  if (count === 0) return [];
  const { rows } = await sql<{ key: number }>`
    select nextval(pg_get_serial_sequence('payments', 'key')) as key from generate_series(1, ${count})`.execute(tx);
  return rows.map(({ key }) => key);
}

const paymentColumns = [
  'key',
  'account',
  'provider',
  'id',
  'status',
  'amount',
  'currency',
  'amount_captured',
  'amount_refunded',
  'refund_state',
  'dispute_state',
  'failure_code',
  'conflict',
  'needs_fetch',
  'version',
  'occurred_at',
];

async function writePayments(tx: LedgerTransaction, folded: readonly Folded[]): Promise<void> {
  const rowOf = ({ source: { account, provider }, key: paymentKey, family }: Folded) =>
    paymentRow({ account, provider, paymentKey }, family.payment);
  const columns = sql.join(paymentColumns.map((column) => sql.id(column)));
  const made = folded.filter(({ isNew }) => isNew).map(rowOf);
  if (made.length > 0)
    await sql`
      insert into payments (${columns}) overriding system value
      select ${columns} from json_populate_recordset(null::payments, ${JSON.stringify(made)}::json)`.execute(tx);
  const changed = folded.filter(({ isNew }) => !isNew).map(rowOf);
  if (changed.length === 0) return;
  // The account is fixed, and so is the provider that first told of the payment.
  const settable = paymentColumns.filter((column) => !['key', 'account', 'provider'].includes(column));
  await sql`
    update payments set ${sql.join(settable.map((column) => sql`${sql.id(column)} = told.${sql.id(column)}`))}, updated_at = now()
    from json_populate_recordset(null::payments, ${JSON.stringify(changed)}::json) as told
    where payments.key = told.key`.execute(tx);
}

async function nameAndStore(tx: LedgerTransaction, folded: readonly Folded[]): Promise<void> {
  const names = folded.flatMap(({ source: { account, names: all }, key }) =>
    [...new Set(all)].map((reference) => ({ account, reference, payment_key: key })),
  );
  await sql`
    insert into payment_references (account, reference, payment_key)
    select account, reference, payment_key from json_populate_recordset(null::payment_references, ${JSON.stringify(names)}::json)
    on conflict (account, reference) do nothing`.execute(tx);
  const facts = folded.flatMap(({ source, key }) =>
    source.facts.map(({ eventId, ordinal, fact }) => ({
      event_id: source.eventId,
      ordinal,
      account: source.account,
      provider_event_id: eventId,
      payment_key: key,
      type: canonicalType(fact),
      occurred_at: new Date(fact.occurredAtMs),
      fact,
    })),
  );
  await sql`
    insert into payment_facts (event_id, ordinal, account, provider_event_id, payment_key, type, occurred_at, fact)
    select event_id, ordinal, account, provider_event_id, payment_key, type, occurred_at, fact
    from json_populate_recordset(null::payment_facts, ${JSON.stringify(facts)}::json)
    on conflict (event_id, ordinal) do nothing`.execute(tx);
}

async function writeChildren(tx: LedgerTransaction, folded: readonly Folded[]): Promise<void> {
  const ownerOf = ({ source: { account, provider }, key: paymentKey }: Folded) => ({ account, provider, paymentKey });
  const refunds = folded.flatMap((each) => each.family.refunds.map((refund) => refundRow(ownerOf(each), refund)));
  if (refunds.length > 0)
    await sql`
      insert into refunds (account, id, payment_key, status, amount, currency, reason, version, occurred_at)
      select account, id, payment_key, status, amount, currency, reason, version, occurred_at
      from json_populate_recordset(null::refunds, ${JSON.stringify(refunds)}::json)
      on conflict (account, id) do update
      set payment_key = excluded.payment_key, status = excluded.status, amount = excluded.amount,
          currency = excluded.currency, reason = excluded.reason, version = excluded.version,
          occurred_at = excluded.occurred_at, updated_at = now()`.execute(tx);
  const disputes = folded.flatMap((each) => each.family.disputes.map((dispute) => disputeRow(ownerOf(each), dispute)));
  if (disputes.length > 0)
    await sql`
      insert into disputes (account, id, payment_key, status, funds, amount, currency, reason, version, occurred_at)
      select account, id, payment_key, status, funds, amount, currency, reason, version, occurred_at
      from json_populate_recordset(null::disputes, ${JSON.stringify(disputes)}::json)
      on conflict (account, id, payment_key) do update
      set status = excluded.status, funds = excluded.funds, amount = excluded.amount, currency = excluded.currency,
          reason = excluded.reason, version = excluded.version, occurred_at = excluded.occurred_at, updated_at = now()`.execute(
      tx,
    );
}
