import { sql } from 'kysely';
import { decodeBody, jobIdOf, type Delivery } from '@penstock/core/delivery';
import type { LedgerTransaction } from './database.ts';
import { placeOf, sealBody } from './payloads.ts';
import { setOf } from './set-of.ts';

/** An event that this transaction is to finish, and the state that it then has. */
export interface EnteredAs {
  readonly delivery: Delivery;
  readonly state: 'processed' | 'ignored';
}

/**
 * Enters events that the ledger has not known, each with its delivery and its
 * bytes, in one statement: as finished, for this transaction finishes them or
 * is taken back; a row that is made and then changed costs every index of the
 * ledger twice. One that is not finished after all is reopened (`reopenTogether`).
 *
 * Returns the ledger's key of each by its position among those given; one that
 * is missing was known, or is another's at this moment, and nothing was written
 * for it. Each event is given once. Rows are made in the order of their
 * identity, so that two transactions which enter the same events do not wait
 * for each other.
 */
export async function enterTogether(
  tx: LedgerTransaction,
  events: readonly EnteredAs[],
): Promise<ReadonlyMap<number, number>> {
  const bodies = events.map(({ delivery }) =>
    sealBody(tx, decodeBody(delivery.body), placeOf.event({ ...delivery, sha256: delivery.bodySha256 })),
  );
  let next = 1;
  const places = bodies.map(({ length }) => {
    const place = next;
    next += length;
    return place;
  });
  const given = events.map(({ delivery, state }, position) => ({
    position,
    state,
    body_at: places[position],
    body_length: bodies[position]?.length,
    account: delivery.account,
    event_id: delivery.eventId,
    endpoint: delivery.endpoint,
    provider: delivery.provider,
    job_id: jobIdOf(delivery),
    body_sha256: delivery.bodySha256,
    received_at: delivery.receivedAt,
    request_id: delivery.requestId,
    traceparent: delivery.traceparent ?? null,
    delivery_id: delivery.deliveryId,
    type: delivery.type,
    occurred_at: delivery.occurredAt,
    livemode: delivery.livemode,
    api_version: delivery.apiVersion,
    provider_account: delivery.providerAccount,
    tier: delivery.tier,
    key_id: delivery.keyId,
    transmission_id: delivery.transmissionId,
    content_type: delivery.contentType,
    origin: delivery.origin,
  }));
  // All bodies are one value, which goes over the wire as it is; an array of them would go as hexadecimal text.
  const { rows } = await sql<{ position: number; id: number }>`
    with given as materialized (
      select told.*, decode(told.body_sha256, 'hex') as sha256,
             substring(${Buffer.concat(bodies)}::bytea from body_at for body_length) as body
      from ${setOf('told', givenColumns, given)}),
    entered as (
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id,
                          traceparent, state, finished_at, attempts)
      select account, event_id, endpoint, provider, job_id, sha256, received_at, request_id, traceparent, state, now(), 1
      from given order by account, event_id
      on conflict (account, provider_event_id) do nothing
      returning id, account, provider_event_id, stored_at),
    known as materialized (
      select entered.id, entered.stored_at, given.*
      from entered join given on given.account = entered.account and given.event_id = entered.provider_event_id),
    delivered as (
      insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256,
                              recorded_at)
      select id, received_at, delivery_id, 'first', endpoint, key_id, request_id, sha256,
             least(greatest(received_at, now() - interval '7 days'), now() + interval '1 day')
      from known where origin = 'webhook'
      on conflict do nothing),
    stored as (
      insert into events (id, account, endpoint, provider, provider_event_id, type, shape, occurred_at, received_at,
                          recorded_at, livemode, api_version, provider_account, tier, key_id, transmission_id,
                          request_id, content_type, origin, body_sha256, body)
      select id, account, endpoint, provider, event_id, type, 'event', occurred_at, received_at, stored_at, livemode,
             api_version, provider_account, tier, key_id, transmission_id, request_id, content_type, origin, sha256, body
      from known)
    select position, id from known`.execute(tx);
  return new Map(rows.map(({ position, id }) => [position, id]));
}

const givenColumns = {
  position: 'int',
  state: 'text',
  body_at: 'int',
  body_length: 'int',
  account: 'text',
  event_id: 'text',
  endpoint: 'text',
  provider: 'text',
  job_id: 'text',
  body_sha256: 'text',
  received_at: 'timestamptz',
  request_id: 'text',
  traceparent: 'text',
  delivery_id: 'uuid',
  type: 'text',
  occurred_at: 'timestamptz',
  livemode: 'boolean',
  api_version: 'text',
  provider_account: 'text',
  tier: 'text',
  key_id: 'text',
  transmission_id: 'text',
  content_type: 'text',
  origin: 'text',
} as const;

/** Takes it back that these events are finished, and their attempt with it, in the transaction that entered them. */
export async function reopenTogether(tx: LedgerTransaction, ids: readonly number[]): Promise<void> {
  await sql`
    update ledger set state = 'received', finished_at = null, attempts = 0
    where id = any(${[...ids]}::bigint[])`.execute(tx);
}
