import { sql, type RawBuilder } from 'kysely';
import type { PaymentFamily } from '@penstock/core/payment';
import { canonicalType } from '@penstock/core/payment-event';
import type { FactSource } from './apply-facts.ts';
import type { LedgerTransaction } from './database.ts';
import { columnTypes, disputeRow, paymentRow, refundRow } from './projection-rows.ts';
import { setOf } from './set-of.ts';

/** A payment as an event leaves it. */
export interface FoldedPayment {
  /** The event, its facts those that it tells anew. */
  readonly source: FactSource & { readonly names: readonly string[] };
  /** The payment's row, which is locked; null where there is none yet. */
  readonly key: number | null;
  readonly family: PaymentFamily;
}

/**
 * Writes payments as they were folded, with their names, their new facts, their
 * refunds and disputes, in one statement: an event shares its parsing, planning
 * and round trip with all the others. Returns the key of each, in their order.
 * No two may be of one payment.
 */
export async function writeTogether(
  tx: LedgerTransaction,
  folded: readonly FoldedPayment[],
): Promise<readonly number[]> {
  const payments = folded.map(({ source: { account, provider }, key, family }, position) => ({
    position,
    ...paymentRow({ account, provider, paymentKey: key ?? 0 }, family.payment),
    key,
  }));
  // Named, or the planner may read all payments to find a few: it cannot know how many rows are told.
  const known = folded.flatMap(({ key }) => (key === null ? [] : [key]));
  const { rows } = await sql<{ position: number; payment_key: number }>`
    with told as materialized (
      select told.*, coalesce(key, nextval((select pg_get_serial_sequence('payments', 'key')::regclass))) as payment_key
      from ${setOf('told', { position: 'int', ...columnTypes.payments }, payments)}),
    made as (
      insert into payments (key, account, provider, id, status, amount, currency, amount_captured, amount_refunded,
                            refund_state, dispute_state, failure_code, conflict, needs_fetch, version, occurred_at)
      overriding system value
      select payment_key, account, provider, id, status, amount, currency, amount_captured, amount_refunded,
             refund_state, dispute_state, failure_code, conflict, needs_fetch, version, occurred_at
      from told where key is null),
    ${known.length > 0 ? changed(known) : sql``}
    ${named(folded)},
    ${stored(folded)}
    ${refunded(folded)}
    ${disputed(folded)}
    select position, payment_key from told order by position`.execute(tx);
  return rows.map(({ payment_key }) => payment_key);
}

/** The account is fixed, and so is the provider that first told of the payment. */
function changed(known: readonly number[]): RawBuilder<unknown> {
  return sql`
    changed as (
      update payments
      set id = told.id, status = told.status, amount = told.amount, currency = told.currency,
          amount_captured = told.amount_captured, amount_refunded = told.amount_refunded,
          refund_state = told.refund_state, dispute_state = told.dispute_state, failure_code = told.failure_code,
          conflict = told.conflict, needs_fetch = told.needs_fetch, version = told.version,
          occurred_at = told.occurred_at, updated_at = now()
      from told where payments.key = told.key and payments.key = any(${[...known]}::bigint[])),`;
}

function named(folded: readonly FoldedPayment[]): RawBuilder<unknown> {
  const names = folded.flatMap(({ source }, position) =>
    [...new Set(source.names)].map((reference) => ({ position, reference })),
  );
  return sql`
    named as (
      insert into payment_references (account, reference, payment_key)
      select told.account, reference, payment_key
      from ${setOf('name', { position: 'int', reference: 'text' }, names)}
      join told using (position)
      on conflict (account, reference) do nothing)`;
}

const factColumns = {
  position: 'int',
  event_id: 'bigint',
  ordinal: 'int',
  provider_event_id: 'text',
  type: 'text',
  occurred_at: 'timestamptz',
  fact: 'jsonb',
} as const;

function stored(folded: readonly FoldedPayment[]): RawBuilder<unknown> {
  const facts = folded.flatMap(({ source }, position) =>
    source.facts.map(({ eventId, ordinal, fact }) => ({
      position,
      event_id: source.eventId,
      ordinal,
      provider_event_id: eventId,
      type: canonicalType(fact),
      occurred_at: new Date(fact.occurredAtMs),
      fact,
    })),
  );
  return sql`
    stored as (
      insert into payment_facts (event_id, ordinal, account, provider_event_id, payment_key, type, occurred_at, fact)
      select event_id, ordinal, told.account, provider_event_id, payment_key, type, new.occurred_at, fact
      from ${setOf('new', factColumns, facts)}
      join told using (position)
      on conflict (event_id, ordinal) do nothing)`;
}

function refunded(folded: readonly FoldedPayment[]): RawBuilder<unknown> {
  const refunds = folded.flatMap(({ source: { account, provider }, family }, position) =>
    family.refunds.map((refund) => ({ position, ...refundRow({ account, provider, paymentKey: 0 }, refund) })),
  );
  if (refunds.length === 0) return sql``;
  return sql`,
    refunded as (
      insert into refunds (account, id, payment_key, status, amount, currency, reason, version, occurred_at)
      select told.account, new.id, told.payment_key, new.status, new.amount, new.currency, reason, new.version,
             new.occurred_at
      from ${setOf('new', { position: 'int', ...columnTypes.refunds }, refunds)}
      join told using (position)
      on conflict (account, id) do update
      set payment_key = excluded.payment_key, status = excluded.status, amount = excluded.amount,
          currency = excluded.currency, reason = excluded.reason, version = excluded.version,
          occurred_at = excluded.occurred_at, updated_at = now())`;
}

function disputed(folded: readonly FoldedPayment[]): RawBuilder<unknown> {
  const disputes = folded.flatMap(({ source: { account, provider }, family }, position) =>
    family.disputes.map((dispute) => ({ position, ...disputeRow({ account, provider, paymentKey: 0 }, dispute) })),
  );
  if (disputes.length === 0) return sql``;
  return sql`,
    disputed as (
      insert into disputes (account, id, payment_key, status, funds, amount, currency, reason, version, occurred_at)
      select told.account, new.id, told.payment_key, new.status, funds, new.amount, new.currency, reason, new.version,
             new.occurred_at
      from ${setOf('new', { position: 'int', ...columnTypes.disputes }, disputes)}
      join told using (position)
      on conflict (account, id, payment_key) do update
      set status = excluded.status, funds = excluded.funds, amount = excluded.amount, currency = excluded.currency,
          reason = excluded.reason, version = excluded.version, occurred_at = excluded.occurred_at, updated_at = now())`;
}
