import { randomBytes } from 'node:crypto';
import { hmacOf } from '@penstock/core/hmac';
import { forgedRequests } from '@penstock/core/testing/forged-requests';

/** One event as it goes over the wire, and as it is known afterwards. */
export interface BenchEvent {
  readonly id: string;
  readonly type: string;
  readonly body: Buffer;
}

export const benchSecret = 'whsec_of_the_benchmark_and_nothing_else';

/** What Stripe's events of this kind weigh: 1.4 kB, of which an id, a type and a charge's take so much. */
const EVENT_BYTES = 1_400;
const NAMES_BYTES = 47;

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

/** What is rendered once and told of every event: to write 1.4 kB of JSON anew takes longer than to send them. */
const templates = { refund: templateOf(250), charge: templateOf(0) };

function render(event: {
  readonly id: string;
  readonly type: string;
  readonly charge: string;
  readonly amountRefunded: number;
}): Buffer {
  const [head, type, charge, end] = event.amountRefunded > 0 ? templates.refund : templates.charge;
  return Buffer.from(`${head}${event.id}${type}${event.type}${charge}${event.charge}${end}`, 'latin1');
}

/** An event of EVENT_BYTES, cut where its id, its type and its charge stand. */
function templateOf(amountRefunded: number): readonly [string, string, string, string] {
  const document = {
    id: '\u0000',
    object: 'event',
    api_version: '2026-01-28',
    created: 1_790_000_000,
    livemode: false,
    pending_webhooks: 1,
    type: '\u0000',
    data: {
      object: {
        id: '\u0000',
        object: 'charge',
        amount: 1_000,
        amount_captured: 1_000,
        amount_refunded: amountRefunded,
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
  document.data.object.description = 'x'.repeat(EVENT_BYTES - NAMES_BYTES - JSON.stringify(document).length);
  const [head = '', type = '', charge = '', end = ''] = JSON.stringify(document).split('\\u0000');
  return [head, type, charge, end];
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

/** The bytes of one HTTP/1.1 request that carries the event, signed at this moment as Stripe signs. */
export function requestBytes({ body }: BenchEvent, path: string): Buffer {
  const timestamp = Math.floor(Date.now() / 1_000);
  const signature = hmacOf('sha256', benchSecret, [`${timestamp}.`, body]).toString('hex');
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `x-forwarded-for: ${PROVIDER_ADDRESS}`,
    `content-length: ${body.length}`,
    'content-type: application/json; charset=utf-8',
    `stripe-signature: t=${timestamp},v1=${signature}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}
