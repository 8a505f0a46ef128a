import { randomBytes } from 'node:crypto';
import { forgedRequests } from '@penstock/core/testing/forged-requests';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';

/** One event as it goes over the wire, and as it is known afterwards. */
export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly body: Buffer;
}

export const benchSecret = 'whsec_of_the_benchmark_and_nothing_else';

/** What Stripe's events of this kind weigh: 1.4 kB. */
const EVENT_BYTES = 1_400;

/**
 * So many charges of as many payments, each with an id of its own; every fifth
 * is refunded by the event after it, so that the fold meets payments it knows.
 */
export function stripeEvents(count: number, run: string = randomBytes(6).toString('hex')): readonly BenchEvent[] {
  return Array.from({ length: count }, (_, number) => stripeEvent(number, run));
}

/** One of them. */
export function stripeEvent(number: number, run: string): BenchEvent {
  const refunds = number % 5 === 4;
  const charge = `ch_${run}${String(refunds ? number - 1 : number).padStart(9, '0')}`;
  const id = `evt_${run}${String(number).padStart(9, '0')}`;
  const type = refunds ? 'charge.refunded' : 'charge.succeeded';
  return { id, type, body: render({ id, type, charge, amountRefunded: refunds ? 250 : 0 }) };
}

function render(event: {
  readonly id: string;
  readonly type: string;
  readonly charge: string;
  readonly amountRefunded: number;
}): Buffer {
  const document = {
    id: event.id,
    object: 'event',
    api_version: '2026-01-28',
    created: 1_790_000_000,
    livemode: false,
    pending_webhooks: 1,
    type: event.type,
    data: {
      object: {
        id: event.charge,
        object: 'charge',
        amount: 1_000,
        amount_captured: 1_000,
        amount_refunded: event.amountRefunded,
        captured: true,
        currency: 'eur',
        description: '',
        paid: true,
        payment_intent: null,
        refunded: false,
        status: 'succeeded',
        billing_details: { address: { city: null, country: null, line1: null, postal_code: null }, email: null },
      },
    },
    request: { id: null, idempotency_key: null },
  };
  const filler = EVENT_BYTES - JSON.stringify(document).length;
  document.data.object.description = 'x'.repeat(Math.max(0, filler));
  return Buffer.from(JSON.stringify(document));
}

/** Where genuine requests come from, to an ingest that trusts what is said of it. */
const PROVIDER_ADDRESS = '198.51.100.7';

/** Addresses that forged requests come from. */
const FORGERS = 250;

/** So many forged requests of every kind by turns, each kind from every address. */
export function forgedTraffic(count: number, path: string): readonly Buffer[] {
  const [event] = stripeEvents(1);
  if (event === undefined) return [];
  const kinds = forgedRequests({ event: event.body, secret: benchSecret, path, now: new Date() });
  const made = Array.from({ length: FORGERS }, (_, number) => kinds.map(({ bytes }) => bytes(`203.0.113.${number}`)));
  const all = made.flat();
  return Array.from({ length: count }, (_, number) => all[number % all.length] ?? Buffer.alloc(0));
}

/** The bytes of one HTTP/1.1 request that carries the event, signed at this moment. */
export function requestBytes(event: BenchEvent, path: string): Buffer {
  const headers = signStripeRequest({ body: event.body, secrets: [benchSecret], signedAt: new Date() });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-forwarded-for: ${PROVIDER_ADDRESS}\r\ncontent-length: ${event.body.length}\r\n${lines.join('')}\r\n`,
    ),
    event.body,
  ]);
}
