import { decodeBody, encodeBody, type Delivery } from '@penstock/core/delivery';
import type { Connection, LedgerTransaction } from './database.ts';

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
      body: decodeBody(delivery.body),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

/** The exact bytes of a stored event. */
export async function storedBody(db: Connection, ledgerId: number): Promise<Buffer> {
  const row = await db.selectFrom('events').select('body').where('id', '=', ledgerId).executeTakeFirstOrThrow();
  return row.body;
}

/** Makes a delivery of a stored event, as it was delivered but for its id and origin. */
export async function deliveryOfStoredEvent(db: Connection, ledgerId: number, deliveryId: string): Promise<Delivery> {
  const row = await db
    .selectFrom('events')
    .innerJoin('ledger', 'ledger.id', 'events.id')
    .selectAll('events')
    .select(['ledger.traceparent', 'ledger.failure_message'])
    .where('events.id', '=', ledgerId)
    .executeTakeFirstOrThrow();
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
    body: encodeBody(row.body),
  };
}
