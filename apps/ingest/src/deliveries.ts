import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { Verification } from '@penstock/core/verification';
import type { OpenEndpoint } from './receive-webhook.ts';

interface Received {
  readonly endpoint: OpenEndpoint;
  readonly verification: Extract<Verification, { kind: 'verified' | 'malformed' }>;
  readonly body: Buffer;
  readonly receivedAt: Date;
  readonly contentType: string | null;
  readonly requestId: string;
  readonly traceparent: string;
  readonly newId: () => string;
}

/** One delivery for each event that a genuine request carries; one for the whole of a malformed one. */
export function toDeliveries(received: Received): readonly Delivery[] {
  const { endpoint, verification } = received;
  const common = (
    body: Buffer,
  ): Omit<Delivery, 'eventId' | 'type' | 'shape' | 'occurredAt' | 'livemode' | 'apiVersion' | 'providerAccount'> => ({
    v: 1,
    deliveryId: received.newId(),
    endpoint: endpoint.name,
    provider: endpoint.provider.id,
    account: endpoint.account,
    receivedAt: received.receivedAt.toISOString(),
    tier: verification.tier,
    keyId: verification.keyId,
    transmissionId: verification.transmissionId,
    requestId: received.requestId,
    traceparent: received.traceparent,
    contentType: received.contentType?.slice(0, 255) ?? null,
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  });

  if (verification.kind === 'malformed') {
    return [
      {
        ...common(received.body),
        eventId: `sha256-${sha256Hex(received.body)}`,
        type: 'malformed',
        shape: 'malformed',
        malformedReason: verification.reason,
        occurredAt: null,
        livemode: null,
        apiVersion: null,
        providerAccount: null,
      },
    ];
  }
  return verification.events.map((event) => {
    const body = event.body ?? received.body;
    return {
      ...common(body),
      eventId: event.eventId ?? `sha256-${sha256Hex(body)}`,
      type: event.type,
      shape: 'event',
      occurredAt: event.occurredAt?.toISOString() ?? null,
      livemode: event.livemode,
      apiVersion: event.apiVersion,
      providerAccount: event.providerAccount,
    };
  });
}
