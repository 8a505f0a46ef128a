import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import type { Random } from './random.ts';

/** What a provider sends in its life: charges and their refunds, some of them again, some of them forged. */
export interface ProviderLife {
  /** The next event, in whatever order. */
  readonly fresh: () => Delivery;
  /** One that was sent before, sent again. */
  readonly repetition: () => Delivery | null;
  /** Another body under the id of one that was sent before. */
  readonly collision: () => Delivery | null;
  /** Another event under the transmission of one that was sent before. */
  readonly forgery: () => Delivery | null;
}

export function createProviderLife(random: Random, now: () => number): ProviderLife {
  const sent: Delivery[] = [];
  let number = 0;
  const nextNumber = (): number => (number += 1);

  const send = (delivery: Delivery): Delivery => {
    sent.push(delivery);
    return delivery;
  };
  const sentBefore = (change: (delivery: Delivery) => Delivery): Delivery | null => {
    const earlier = random.pick(sent);
    return earlier === undefined ? null : change(earlier);
  };
  const make = (body: unknown, fields: Pick<Delivery, 'eventId' | 'type' | 'transmissionId'>): Delivery => {
    const bytes = Buffer.from(JSON.stringify(body));
    return {
      v: 1,
      deliveryId: deliveryId(nextNumber()),
      endpoint: 'stripe',
      provider: 'stripe',
      account: 'acme',
      shape: 'event',
      occurredAt: new Date(now()).toISOString(),
      receivedAt: new Date(now()).toISOString(),
      livemode: false,
      apiVersion: null,
      providerAccount: null,
      tier: 'full',
      keyId: 'key-0a1b2c',
      requestId: `request-${number}`,
      contentType: 'application/json',
      origin: 'webhook',
      bodySha256: sha256Hex(bytes),
      body: encodeBody(bytes),
      ...fields,
    };
  };
  const charge = (eventId: string, transmissionId: string | null): Delivery => {
    // Few charges, so that events meet at one payment.
    const id = `ch_${1 + random.below(8)}`;
    const refunded = random.chance(0.3) ? 100 * (1 + random.below(9)) : 0;
    const type = refunded === 0 ? 'charge.succeeded' : 'charge.refunded';
    const object = { ...chargeObject, id, amount_refunded: refunded };
    const created = 1_790_000_000 + random.below(1_000);
    const note = nextNumber();
    return make(
      { id: eventId, object: 'event', created, livemode: false, type, note, data: { object } },
      {
        eventId,
        type,
        transmissionId,
      },
    );
  };

  return {
    fresh: () => {
      const eventId = `evt_${nextNumber()}${random.chance(POISON_SHARE) ? POISON : ''}`;
      return send(charge(eventId, random.chance(0.5) ? `transmission-${number}` : null));
    },
    repetition: () => sentBefore((delivery) => ({ ...delivery, deliveryId: deliveryId(nextNumber()) })),
    collision: () => sentBefore(({ eventId, transmissionId }) => charge(eventId, transmissionId)),
    forgery: () => sentBefore(({ transmissionId }) => charge(`evt_${nextNumber()}`, transmissionId)),
  };
}

const POISON_SHARE = 0.02;
const POISON = 'poison';

/** An event that ends every process which runs its handlers. */
export function isPoison(eventId: string): boolean {
  return eventId.endsWith(POISON);
}

function deliveryId(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

const chargeObject = {
  object: 'charge',
  amount: 1_000,
  amount_captured: 1_000,
  captured: true,
  currency: 'usd',
  paid: true,
  refunded: false,
  status: 'succeeded',
  payment_intent: null,
};
