import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import type { DemoEvent } from './demo-event.ts';
import { paypalLife } from './demo-paypal.ts';
import { run, stripeEvent, stripeLife } from './demo-stripe.ts';
import type { PayPalSimulator } from './paypal-simulator.ts';

/** One request of the demonstration and what must come of it. */
export interface DemoRequest {
  readonly endpoint: 'demo-stripe' | 'demo-paypal';
  readonly eventId: string;
  readonly type: string;
  /** For people: why it is sent. */
  readonly about: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly expected: { readonly status: number; readonly word: string };
}

/** What the ledger must say in the end, by event id. */
export type ExpectedStates = ReadonlyMap<string, 'processed' | 'dead'>;

export interface Demo {
  readonly requests: readonly DemoRequest[];
  readonly expectedStates: ExpectedStates;
  /** The provider's payment ids, in the order to show them. */
  readonly paymentIds: readonly string[];
}

export interface DemoKeys {
  readonly stripeSecret: string;
  readonly paypalWebhookId: string;
  readonly paypal: PayPalSimulator;
}

/**
 * The lives of two payments, delivered late, twice and out of order, with a
 * forged, a stale and a poison event among them. New ids every time: a second
 * run on the same data is about new payments.
 */
export function createDemo(keys: DemoKeys, now: Date): Demo {
  const stripe = stripeLife(now);
  const paypal = paypalLife(now);
  const poison = stripeEvent({
    type: 'charge.succeeded',
    at: now,
    object: { id: `ch_${run()}`, object: 'charge', amount: 'twelve', currency: 'eur' },
  });

  const signed = (
    event: DemoEvent,
    about: string,
    expected: DemoRequest['expected'],
    change: { secret?: string; ageSeconds?: number } = {},
  ): DemoRequest => ({
    ...event,
    endpoint: 'demo-stripe',
    about,
    expected,
    headers: signStripeRequest({
      body: event.body,
      secrets: [change.secret ?? keys.stripeSecret],
      signedAt: new Date(now.getTime() - (change.ageSeconds ?? 0) * 1000),
    }),
  });
  const accepted = { status: 200, word: 'accepted' };
  const duplicate = { status: 200, word: 'duplicate' };
  const viaPayPal = (event: DemoEvent, about: string): DemoRequest => ({
    ...event,
    endpoint: 'demo-paypal',
    about,
    expected: accepted,
    headers: keys.paypal.sign({ body: event.body, webhookId: keys.paypalWebhookId, sentAt: now }),
  });
  const tampered = viaPayPal(paypal.captured, 'forged: another amount under a genuine signature');

  const requests: readonly DemoRequest[] = [
    signed(stripe.refunded, 'first to arrive, sixth to happen', accepted),
    signed(stripe.captured, 'out of order', accepted),
    signed(stripe.disputed, 'out of order', accepted),
    viaPayPal(paypal.refunded, 'first to arrive, fourth to happen'),
    signed(stripe.created, 'late', accepted),
    signed(stripe.captured, 'sent again', duplicate),
    viaPayPal(paypal.disputed, 'out of order'),
    signed(stripe.authorized, 'late', accepted),
    viaPayPal(paypal.captured, 'out of order'),
    signed(stripe.refundMade, 'last', accepted),
    viaPayPal(paypal.approved, 'late'),
    viaPayPal(paypal.authorized, 'last'),
    signed(stripe.created, 'sent again', duplicate),
    signed(
      stripe.captured,
      'forged: signed with another secret',
      { status: 401, word: 'signature_mismatch' },
      { secret: 'whsec_of_somebody_else' },
    ),
    signed(
      stripe.captured,
      'stale: signed ten minutes ago',
      { status: 401, word: 'signature_stale' },
      { ageSeconds: 600 },
    ),
    {
      ...tampered,
      body: Buffer.from(tampered.body.toString().replace('"80.00"', '"80000.00"')),
      expected: { status: 401, word: 'signature_mismatch' },
    },
    signed(poison, 'poison: genuine, but its amount is a word', accepted),
  ];
  const genuine = [...Object.values(stripe), ...Object.values(paypal)].filter((event) => typeof event !== 'string');
  return {
    requests,
    expectedStates: new Map([
      ...genuine.map((event) => [event.eventId, 'processed'] as const),
      [poison.eventId, 'dead'] as const,
    ]),
    paymentIds: [stripe.paymentId, paypal.paymentId],
  };
}
