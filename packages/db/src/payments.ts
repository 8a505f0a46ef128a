import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { PaymentState } from '@penstock/core/payment';
import type { Connection, LedgerTransaction } from './database.ts';

interface PaymentRow {
  readonly account: string;
  readonly provider: string;
  readonly state: PaymentState;
}

/** Makes the row of a payment not known before; returns its key. */
export async function insertPayment(tx: LedgerTransaction, row: PaymentRow): Promise<number> {
  const inserted = await tx
    .insertInto('payments')
    .values({ account: row.account, provider: row.provider, ...paymentColumns(row.state) })
    .returning('key')
    .executeTakeFirstOrThrow();
  return inserted.key;
}

/** Writes the fold's result over what stood before. The row must be locked. */
export async function updatePayment(tx: LedgerTransaction, key: number, state: PaymentState): Promise<void> {
  await tx
    .updateTable('payments')
    .set({ ...paymentColumns(state), updated_at: sql<Date>`now()` })
    .where('key', '=', key)
    .execute();
}

/** Locks payments in key order; says whether anything about any of them does not add up. */
export async function lockPayments(
  tx: LedgerTransaction,
  keys: readonly number[],
): Promise<{ readonly inConflict: boolean }> {
  if (keys.length === 0) return { inConflict: false };
  const rows = await tx
    .selectFrom('payments')
    .select(['conflict', 'needs_fetch'])
    .where('key', 'in', [...keys])
    .orderBy('key')
    .forUpdate()
    .execute();
  return { inConflict: rows.some((row) => row.conflict !== null || row.needs_fetch) };
}

/** Takes out payments that turned out to be another. Nothing may point at them any more. */
export async function deletePayments(tx: LedgerTransaction, keys: readonly number[]): Promise<void> {
  if (keys.length > 0)
    await tx
      .deleteFrom('payments')
      .where('key', 'in', [...keys])
      .execute();
}

function paymentColumns(state: PaymentState) {
  return {
    id: state.id,
    status: state.status,
    amount: state.amount,
    currency: state.currency,
    amount_captured: state.amountCaptured,
    amount_refunded: state.amountRefunded,
    refund_state: state.refundState,
    dispute_state: state.disputeState,
    failure_code: state.failureCode,
    conflict: state.conflict,
    needs_fetch: state.needsFetch,
    version: state.version,
    occurred_at: new Date(state.lastOccurredAtMs),
  };
}

/**
 * Payments that go by this id, with or without its prefix (`ch_1` or
 * `charge:ch_1`), in any account or in the one given. More than one where accounts
 * share ids or a dispute is about several; then at most 20.
 */
export async function findPayments(
  db: Connection,
  id: string,
  options: { readonly account?: string | undefined } = {},
) {
  const payments = db.selectFrom('payments').selectAll();
  const eligible = options.account === undefined ? payments : payments.where('account', '=', options.account);
  return eligible
    .where(sql<SqlBool>`key in (${paymentKeysNamed(id)})`)
    .orderBy('key')
    .limit(20)
    .execute();
}

/**
 * The keys of payments that go by this id, as a subquery. A union, not
 * alternatives: each part has an index, which `or` over subqueries would not use.
 */
export function paymentKeysNamed(id: string): RawBuilder<number> {
  return sql<number>`
    select key from payments where id = ${id}
    union
    select payment_key from payment_references where reference in (${sql.join(referencesNamed(id))})
    union
    -- A dispute that names payments is not one of their names: it may be about several.
    select payment_key from disputes where id = ${id.replace(/^dispute:/, '')}`;
}

const referenceKinds = [
  'payment',
  'payment_intent',
  'charge',
  'order',
  'authorization',
  'capture',
  'sale',
  'refund',
  'dispute',
];

/** Every name by which a payment may go that people call by this id. */
export function referencesNamed(id: string): string[] {
  return [id, ...referenceKinds.map((kind) => `${kind}:${id}`)];
}
