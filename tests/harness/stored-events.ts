import { sql } from 'kysely';
import type { LedgerDatabase } from '@penstock/db/database';
import type { LedgerState } from '@penstock/db/schema';

/** Events to be stored as if they had come and ended so. */
export interface StoredEvents {
  readonly count: number;
  /** The first part of their ids. */
  readonly prefix: string;
  readonly state?: LedgerState;
  readonly type?: string;
  readonly code?: string;
  readonly fingerprint?: string;
  readonly endpoint?: string;
  readonly receivedAt?: Date;
  readonly diedAt?: Date;
}

/** Stores many finished or dead Stripe events at once, in one statement a table. Returns their ids. */
export async function storeEvents(db: LedgerDatabase, given: StoredEvents): Promise<readonly string[]> {
  const { count, prefix, state = 'dead', type = 'customer.deleted', endpoint = 'stripe' } = given;
  const {
    code = 'test_broken',
    fingerprint = 'aaaaaaaaaaaaaaaa',
    receivedAt = new Date(),
    diedAt = new Date(),
  } = given;
  const dead = state === 'dead' || state === 'discarded';
  const body = sql`convert_to(format('{"id":"%s","object":"event","type":"%s","created":1790000000,"livemode":false,"data":{"object":{"id":"cus_1","object":"customer"}}}', evt, ${type}::text), 'UTF8')`;
  await sql`
    with made as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, state, attempts, received_at,
        finished_at, failure_code, failure_message, failure_fingerprint, failure_reason, first_failed_at, request_id)
      select 'acme', evt, ${endpoint}, 'stripe', ${endpoint} || '.' || evt, sha256(${body}), ${state}, 1, ${receivedAt}::timestamptz, ${diedAt}::timestamptz,
        ${dead ? code : null}, ${dead ? 'it is broken' : null}, ${dead ? fingerprint : null},
        ${dead ? 'permanent_failure' : null}, ${dead ? diedAt : null}::timestamptz, 'request-1'
      from (select ${prefix} || n as evt from generate_series(1, ${count}::int) n) ids
      returning id, provider_event_id)
    insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, tier, key_id,
      request_id, origin, body_sha256, body)
    select made.id, 'acme', ${endpoint}, 'stripe', provider_event_id, ${type}, 'event', ${receivedAt}::timestamptz, 'full', 'key',
      'request-1', 'webhook', sha256(${body}), ${body}
    from made, lateral (select provider_event_id as evt) named`.execute(db);
  if (dead)
    await sql`
      insert into deaths (ledger_id, died_at, code, message, fingerprint, reason)
      select id, ${diedAt}::timestamptz, ${code}, 'it is broken', ${fingerprint}, 'permanent_failure' from ledger
      where provider_event_id like ${`${prefix}%`}`.execute(db);
  return Array.from({ length: count }, (_, position) => `${prefix}${position + 1}`);
}
