import { sql } from 'kysely';
import { decodeBody, encodeBody, type Delivery } from '@penstock/core/delivery';
import { PermanentError } from '@penstock/core/failure';
import type { Connection, LedgerTransaction } from './database.ts';
import { openBody, placeOf, sealBody } from './payloads.ts';

/** Stores the fact as it came. A fact already stored stays as it is. */
export async function storeEvent(tx: LedgerTransaction, ledgerId: number, delivery: Delivery): Promise<void> {
  await tx
    .insertInto('events')
    .values({
      id: ledgerId,
      account: delivery.account,
      endpoint: delivery.endpoint,
      provider: delivery.provider,
      provider_event_id: delivery.eventId,
      type: delivery.type,
      shape: delivery.shape,
      occurred_at: delivery.occurredAt === null ? null : new Date(delivery.occurredAt),
      received_at: new Date(delivery.receivedAt),
      // The same for every attempt at the event, so that each meets the row of the first, in its month.
      recorded_at: sql<Date>`(select stored_at from ledger where id = ${ledgerId})`,
      livemode: delivery.livemode,
      api_version: delivery.apiVersion,
      provider_account: delivery.providerAccount,
      tier: delivery.tier,
      key_id: delivery.keyId,
      transmission_id: delivery.transmissionId,
      request_id: delivery.requestId,
      content_type: delivery.contentType,
      origin: delivery.origin,
      body_sha256: Buffer.from(delivery.bodySha256, 'hex'),
      body: sealBody(tx, decodeBody(delivery.body), placeOf.event({ ...delivery, sha256: delivery.bodySha256 })),
    })
    .onConflict((conflict) => conflict.columns(['id', 'recorded_at']).doNothing())
    .execute();
}

/** The exact bytes of a stored event; null where they are past their retention. */
export async function storedBody(db: Connection, ledgerId: number): Promise<Buffer | null> {
  const row = await ledgerWithEvent(db)
    .select(['events.account', 'events.provider_event_id', 'events.body_sha256', 'events.body'])
    .where('ledger.id', '=', ledgerId)
    .executeTakeFirst();
  return row === undefined ? null : openEventBody(db, row);
}

/** The bytes of a row of `events`, as they came. Throws PermanentError `payload_key_unknown` or `payload_tampered`. */
export function openEventBody(
  db: Connection,
  row: {
    readonly account: string;
    readonly provider_event_id: string;
    readonly body_sha256: Buffer;
    readonly body: Buffer;
  },
): Buffer {
  const place = placeOf.event({
    account: row.account,
    eventId: row.provider_event_id,
    sha256: row.body_sha256.toString('hex'),
  });
  return openBody(db, row.body, { place, sha256: row.body_sha256 });
}

/**
 * Makes a delivery of a stored event, as it was delivered but for its id and
 * origin. Throws PermanentError `body_gone` where it is past its retention.
 */
export async function deliveryOfStoredEvent(db: Connection, ledgerId: number, deliveryId: string): Promise<Delivery> {
  const row = await ledgerWithEvent(db)
    .selectAll('events')
    .select(['ledger.traceparent', 'ledger.failure_message'])
    .where('ledger.id', '=', ledgerId)
    .executeTakeFirst();
  if (row === undefined)
    throw new PermanentError(
      'body_gone',
      'the body of this finished event was dropped with its month (EVENT_RETENTION_DAYS); its facts are kept',
    );
  return {
    v: 1,
    deliveryId,
    endpoint: row.endpoint,
    provider: row.provider,
    account: row.account,
    eventId: row.provider_event_id,
    type: row.type,
    shape: row.shape,
    ...(row.shape === 'malformed' && row.failure_message !== null ? { malformedReason: row.failure_message } : {}),
    occurredAt: row.occurred_at?.toISOString() ?? null,
    receivedAt: row.received_at.toISOString(),
    livemode: row.livemode,
    apiVersion: row.api_version,
    providerAccount: row.provider_account,
    tier: row.tier,
    keyId: row.key_id,
    transmissionId: row.transmission_id,
    requestId: row.request_id,
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    contentType: row.content_type,
    origin: 'sweep',
    bodySha256: row.body_sha256.toString('hex'),
    body: encodeBody(openEventBody(db, row)),
  };
}

/** The month's partition alone is searched where the ledger's row tells which it is. */
function ledgerWithEvent(db: Connection) {
  return db
    .selectFrom('ledger')
    .innerJoin('events', (join) =>
      join.onRef('events.id', '=', 'ledger.id').onRef('events.recorded_at', '=', 'ledger.stored_at'),
    );
}
