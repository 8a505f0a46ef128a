import { sql } from 'kysely';
import type { ConflictKind } from '@penstock/core/conflict';
import type { Connection, LedgerDatabase } from './database.ts';

/** An open conflict whose payment is to be asked about. */
export interface DueFetch {
  readonly id: number;
  readonly account: string;
  readonly provider: string;
  readonly paymentKey: number | null;
  readonly ledgerId: number | null;
  /** Which time it is asked, from 1. */
  readonly attempt: number;
}

/**
 * Claims open conflicts that are due: those asked for, and those of the kinds
 * that are fetched by themselves once they have stood for a while. A claim is
 * an attempt: whoever dies with one leaves it to be claimed again after the
 * pause that follows a failure, 30 s, 1 min, 2 min … at most six hours.
 */
export async function claimFetches(
  db: LedgerDatabase,
  options: { readonly automatic: readonly ConflictKind[]; readonly graceMs: number; readonly limit: number },
): Promise<readonly DueFetch[]> {
  const { rows } = await sql<DueFetch>`
    update conflicts set
      fetch_attempts = fetch_attempts + 1,
      fetch_after = now() + least(interval '6 hours', interval '30 seconds' * power(2, fetch_attempts))
    where id in (
      select id from conflicts
      where state = 'open' and fetch_after <= now()
        and (fetch_state = 'requested'
             or (fetch_state = 'idle' and kind = any(${[...options.automatic]}::text[])
                 and opened_at <= now() - interval '1 millisecond' * ${options.graceMs}))
      order by fetch_after, id limit ${options.limit} for update skip locked)
    returning id, account, provider, payment_key as "paymentKey", ledger_id as "ledgerId", fetch_attempts as attempt`.execute(
    db,
  );
  return rows;
}

/** A payment as it is asked about. */
export interface PaymentNames {
  readonly names: readonly string[];
  readonly lastOccurredAt: Date;
  /** As the last of its events that named one. */
  readonly providerAccount: string | null;
}

/** The payments that a conflict is about. Those of an event are the ones that its facts belong to. */
export async function paymentsInConflict(
  db: Connection,
  conflict: Pick<DueFetch, 'paymentKey' | 'ledgerId'>,
): Promise<readonly PaymentNames[]> {
  const { rows } = await sql<PaymentNames>`
    select (select array_agg(reference order by reference) from payment_references where payment_key = payments.key) as names,
           payments.occurred_at as "lastOccurredAt",
           (select events.provider_account from payment_facts join events on events.id = payment_facts.event_id
            where payment_facts.payment_key = payments.key and events.provider_account is not null
            order by events.id desc limit 1) as "providerAccount"
    from payments
    where key = ${conflict.paymentKey}::bigint
       or key in (select payment_key from payment_facts where event_id = ${conflict.ledgerId}::bigint)
    order by key`.execute(db);
  return rows;
}

/** What became of asking. */
export type FetchEnd =
  | { readonly state: 'fetched'; readonly eventId: string }
  | { readonly state: 'failed' | 'retry'; readonly code: string; readonly message: string };

export async function recordFetch(db: Connection, id: number, end: FetchEnd): Promise<void> {
  await db
    .updateTable('conflicts')
    .set({
      ...(end.state === 'retry' ? {} : { fetch_state: end.state }),
      ...(end.state === 'fetched'
        ? { fetch_event_id: end.eventId, fetch_error_code: null, fetch_error_message: null }
        : { fetch_error_code: end.code, fetch_error_message: end.message }),
    })
    .where('id', '=', id)
    .execute();
}

/** Has a worker ask the provider about an open conflict, whatever was asked before. False where it is not open. */
export async function requestFetch(db: Connection, id: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('conflicts')
    .set({
      fetch_state: 'requested',
      fetch_attempts: 0,
      fetch_after: sql<Date>`now()`,
      fetch_event_id: null,
      fetch_error_code: null,
      fetch_error_message: null,
    })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
