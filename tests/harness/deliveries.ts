import { randomUUID } from 'node:crypto';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';

/** A delivery that is well-formed in every field; the given ones replace its own. */
export function aDelivery(given: Partial<Delivery> & { readonly text?: string } = {}): Delivery {
  const { text, ...fields } = given;
  const eventId = fields.eventId ?? `evt_${randomUUID().replaceAll('-', '')}`;
  const body = Buffer.from(
    text ??
      JSON.stringify({
        id: eventId,
        object: 'event',
        type: 'customer.created',
        created: 1_790_000_000,
        livemode: false,
        data: { object: { id: 'cus_1' } },
      }),
  );
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'stripe',
    eventId,
    type: 'customer.created',
    shape: 'event',
    occurredAt: '2026-01-01T00:00:00.000Z',
    receivedAt: new Date().toISOString(),
    livemode: false,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key-0a1b2c',
    transmissionId: null,
    requestId: randomUUID(),
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
    ...fields,
  };
}
