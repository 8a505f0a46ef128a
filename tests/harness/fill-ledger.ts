import { sql } from 'kysely';
import type { LedgerDatabase } from '@penstock/db/database';

/**
 * Fills every table that the read API reads with so many rows, in the database
 * itself: 50,000 take seconds. Row n is of payment `pay_<n>`, told by event
 * `evt_<n>`; three share each time, so that order has ties to decide.
 */
export async function fillLedger(db: LedgerDatabase, { rows }: { readonly rows: number }): Promise<void> {
  const numbers = sql`generate_series(1, ${sql.lit(rows)}) as n`;
  const time = sql`timestamptz '2026-01-01T00:00:00Z' + (n / 3) * interval '3 minutes'`;
  const provider = sql`case when n % 5 = 0 then 'paypal' else 'stripe' end`;
  const account = sql`'acct-' || (n % 4 + 1)`;
  const currency = sql`case when n % 3 = 0 then 'USD' else 'EUR' end`;
  const state = sql`case when n % 50 = 0 then 'dead' when n % 7 = 0 then 'ignored' else 'processed' end`;
  const type = sql`case when n % 40 = 1 then 'charge.refunded' else 'charge.succeeded' end`;
  // This month and the one before.
  const stored = sql`now() - (n % 2) * interval '28 days'`;
  const hash = sql`sha256(('body ' || n)::bytea)`;
  const statements = [
    sql`insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, state, attempts, received_at,
          stored_at, finished_at, failure_code, failure_message, failure_fingerprint, failure_reason, request_id)
        select ${account}, 'evt_' || n, ${provider}, ${provider}, 'job-' || n, ${hash}, ${state}, 1, ${time}, ${stored}, ${time},
          case when n % 50 = 0 then 'broken' end, case when n % 50 = 0 then 'It broke.' end,
          case when n % 50 = 0 then 'f-' || (n % 3) end, case when n % 50 = 0 then 'permanent_failure' end, 'request-' || n
        from ${numbers}`,
    sql`insert into events (id, account, endpoint, provider, provider_event_id, type, shape, occurred_at, received_at, recorded_at, livemode,
          tier, key_id, request_id, content_type, origin, body_sha256, body)
        select ledger.id, ledger.account, ledger.endpoint, ledger.provider, provider_event_id, ${type}, 'event', received_at,
          received_at, stored_at, true, 'full', 'key-1', request_id, 'application/json', 'webhook', body_sha256,
          convert_to('{"payload of ' || n || '": true}', 'utf8')
        from ${numbers} join ledger on ledger.provider_event_id = 'evt_' || n`,
    sql`insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256, recorded_at)
        select id, received_at, gen_random_uuid(), 'first', endpoint, 'key-1', request_id, body_sha256, stored_at from ledger`,
    sql`insert into attempts (ledger_id, attempt, duration_ms, code, message, fingerprint)
        select id, 1, 12, failure_code, failure_message, failure_fingerprint from ledger where state = 'dead'`,
    sql`insert into payments (account, provider, id, status, amount, currency, amount_captured, amount_refunded, refund_state,
          dispute_state, needs_fetch, version, occurred_at)
        select ${account}, ${provider}, 'pay_' || n, case when n % 9 = 0 then 'authorized' else 'captured' end, 1000 + n,
          ${currency}, 1000, 0, 'none', 'none', false, 1, ${time}
        from ${numbers}`,
    sql`insert into payment_references (account, reference, payment_key)
        select account, 'charge:ch_' || substr(id, 5), key from payments`,
    sql`insert into payment_facts (event_id, ordinal, account, provider_event_id, payment_key, type, occurred_at, fact)
        select ledger.id, 0, payments.account, provider_event_id, payments.key, 'payment.captured', payments.occurred_at,
          jsonb_build_object('kind', 'payment', 'occurredAtMs', 1767225600000, 'references', jsonb_build_array('charge:' || payments.id), 'status', 'captured')
        from payments join ledger on provider_event_id = 'evt_' || substr(payments.id, 5)`,
    sql`insert into refunds (account, id, payment_key, status, amount, currency, version, occurred_at)
        select account, 're_' || substr(id, 5), key, case when key % 11 = 0 then 'pending' else 'succeeded' end, 10, currency, 1, occurred_at
        from payments`,
    sql`insert into disputes (account, id, payment_key, status, funds, amount, currency, version, occurred_at)
        select account, 'du_' || substr(id, 5), key, case when key % 13 = 0 then 'lost' else 'needs_response' end, 'withdrawn', 10, currency, 1, occurred_at
        from payments`,
    sql`insert into payouts (account, id, provider, status, amount, currency, version, occurred_at)
        select account, 'po_' || substr(id, 5), provider, case when key % 17 = 0 then 'failed' else 'paid' end, 10, currency, 1, occurred_at
        from payments`,
    sql`insert into outbox (ledger_id, topic, key, payload, kind)
        select id, 'event', account, '{}', 'event' from ledger order by id`,
    sql`insert into outbox_deliveries (outbox_id, destination, state, attempts, finished_at)
        select id, case when id % 6 = 0 then 'billing' else 'fulfilment' end,
          case when id % 60 = 0 then 'dead' else 'delivered' end, 1, now()
        from outbox order by id`,
    sql`insert into collisions (ledger_id, kind, account, endpoint, provider_event_id, type, tier, key_id, request_id, received_at, body_sha256, body)
        select id, case when id % 2 = 0 then 'event_id' else 'transmission_id' end, account, endpoint, provider_event_id,
          'charge.succeeded', 'partial', 'key-1', request_id, received_at, body_sha256, 'other'
        from ledger order by id`,
  ];
  await db.transaction().execute(async (tx) => {
    // What it inserts is consistent; asking the database to check each row took most of the time.
    await sql`set local session_replication_role = replica`.execute(tx);
    for (const statement of statements) await statement.execute(tx);
  });
  await sql`analyze`.execute(db);
}
