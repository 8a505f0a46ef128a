import { sql, type RawBuilder } from 'kysely';
import type { ConflictKind } from '@penstock/core/conflict';
import type { Connection, LedgerTransaction } from './database.ts';

/** What the fold of a payment leaves contradictory or unknown, one row a reason, as the payments of a schema say. */
function toldByPayments(schema: string): RawBuilder<unknown> {
  return sql`
    select key, account, provider, code,
           case when code = 'payment_unknown' then 'missing_parent'
                when code in ('refunded_more_than_captured', 'currency_mismatch') then 'amounts_disagree'
                else 'illegal_transition' end as kind,
           case when code = 'refunded_more_than_captured' then amount_refunded || ' of ' || amount_captured
                else coalesce(string_agg(nullif(split_part(reason, ': ', 2), ''), ', ' order by reason), '') end as detail
    from (select *, split_part(reason, ': ', 1) as code
          from (select payment.*, unnest(string_to_array(conflict, ', ') || case when needs_fetch then array['payment_unknown'] else '{}' end) as reason
                from ${sql.id(schema, 'payments')} as payment
                where conflict is not null or needs_fetch) as payments_with_reasons) as told
    group by key, account, provider, code, amount_refunded, amount_captured`;
}

/**
 * Makes the open conflicts of these payments what their folds say: opens what
 * has come to light, closes what the event made consistent. Which are open is
 * thus a function of the facts, and of what people dismissed: a dismissal holds
 * until the reason says something else. The payments must be locked.
 */
export async function settlePaymentConflicts(
  tx: LedgerTransaction,
  options: {
    /** Keys of payments, those that were merged away too; all payments where absent. */
    readonly keys?: readonly number[];
    /** The event in hand; null for a rebuild. */
    readonly eventId: number | null;
  },
): Promise<void> {
  const { keys, eventId } = options;
  const concerned = (column: string) =>
    keys === undefined ? sql`true` : sql`${sql.ref(column)} = any(${[...keys]}::bigint[])`;
  const told = sql`select * from (${toldByPayments('public')}) as each where ${concerned('key')}`;
  await sql`
    insert into conflicts (account, provider, kind, code, detail, subject, payment_key, opened_by)
    select account, provider, kind, code, detail, 'payment:' || key, key, ${eventId}::bigint from (${told}) as told
    order by key, code
    on conflict (subject, code) do update set
      detail = excluded.detail,
      state = 'open', closed_at = null, closed_by_event = null, closed_by = null, close_reason = null,
      opened_at = case when conflicts.state = 'open' then conflicts.opened_at else excluded.opened_at end,
      opened_by = case when conflicts.state = 'open' then conflicts.opened_by else excluded.opened_by end,
      fetch_state = case when conflicts.state = 'open' then conflicts.fetch_state else 'idle' end,
      fetch_attempts = case when conflicts.state = 'open' then conflicts.fetch_attempts else 0 end,
      fetch_after = case when conflicts.state = 'open' then conflicts.fetch_after else excluded.fetch_after end
    where conflicts.state = 'resolved' or conflicts.detail <> excluded.detail`.execute(tx);
  await sql`
    update conflicts set state = 'resolved', closed_at = now(), closed_by_event = ${eventId}::bigint,
      closed_by = ${eventId === null ? 'rebuild' : null}::text, close_reason = 'consistent'
    where state = 'open' and payment_key is not null and ${concerned('payment_key')}
      and not exists (select from (${told}) as told where told.key = conflicts.payment_key and told.code = conflicts.code)`.execute(
    tx,
  );
}

/** Closes what stood open about the events of a payment: how it stands was fetched. */
export async function settleEventConflicts(
  tx: LedgerTransaction,
  fetched: { readonly paymentKey: number; readonly eventId: number },
): Promise<void> {
  await tx
    .updateTable('conflicts')
    .set({
      state: 'resolved',
      closed_at: sql<Date>`now()`,
      closed_by_event: fetched.eventId,
      close_reason: 'fetched',
    })
    .where('state', '=', 'open')
    .where('ledger_id', 'in', (select) =>
      select.selectFrom('payment_facts').select('event_id').where('payment_key', '=', fetched.paymentKey),
    )
    .execute();
}

/** Opens a conflict about one event; once for each subject and code. */
export async function openEventConflict(
  tx: LedgerTransaction,
  conflict: {
    readonly ledgerId: number;
    readonly kind: ConflictKind;
    readonly code: string;
    readonly subject: string;
  },
): Promise<void> {
  await sql`
    insert into conflicts (account, provider, kind, code, subject, ledger_id, opened_by)
    select account, provider, ${conflict.kind}, ${conflict.code}, ${conflict.subject}, id, id
    from ledger where id = ${conflict.ledgerId}
    on conflict (subject, code) do nothing`.execute(tx);
}

/** Open conflicts that the payments of a schema do not tell of, and those they tell of that no row stands for. */
export async function compareConflicts(
  db: Connection,
  schema: string,
): Promise<{ readonly missing: readonly string[]; readonly unexpected: readonly string[] }> {
  const { rows } = await sql<{ kind: 'missing' | 'unexpected'; identity: string }>`
    with told as (${toldByPayments(schema)})
    select 'missing' as kind, 'payment:' || key || ' ' || code as identity from told
    where not exists (select from public.conflicts
                      where conflicts.payment_key = told.key and conflicts.code = told.code and conflicts.state <> 'resolved')
    union all
    select 'unexpected', subject || ' ' || code from public.conflicts
    where payment_key is not null and state = 'open'
      and not exists (select from told where told.key = conflicts.payment_key and told.code = conflicts.code)
    order by identity`.execute(db);
  const of = (kind: 'missing' | 'unexpected') => rows.filter((row) => row.kind === kind).map((row) => row.identity);
  return { missing: of('missing'), unexpected: of('unexpected') };
}
