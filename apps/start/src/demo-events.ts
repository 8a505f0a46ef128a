import { randomBytes, randomUUID } from 'node:crypto';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
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

interface DemoEvent {
  readonly eventId: string;
  readonly type: string;
  readonly body: Buffer;
}

function run(): string {
  return randomBytes(9).toString('hex');
}

/** 120.00 EUR: created, authorized, captured, 30.00 refunded, disputed. */
function stripeLife(now: Date) {
  const paymentId = `pi_${run()}`;
  const [charge, refund] = [`ch_${run()}`, `re_${run()}`];
  const at = (secondsAgo: number): Date => new Date(now.getTime() - secondsAgo * 1000);
  const intent = {
    id: paymentId,
    object: 'payment_intent',
    amount: 12_000,
    currency: 'eur',
    amount_capturable: 0,
    amount_received: 0,
    latest_charge: null,
    status: 'requires_payment_method',
  };
  const refundObject = {
    id: refund,
    object: 'refund',
    amount: 3_000,
    currency: 'eur',
    charge,
    payment_intent: paymentId,
    status: 'succeeded',
    reason: 'requested_by_customer',
  };
  return {
    paymentId,
    created: stripeEvent({ type: 'payment_intent.created', at: at(500), object: intent }),
    authorized: stripeEvent({
      type: 'payment_intent.amount_capturable_updated',
      at: at(400),
      object: { ...intent, amount_capturable: 12_000, latest_charge: charge, status: 'requires_capture' },
    }),
    captured: stripeEvent({
      type: 'payment_intent.succeeded',
      at: at(300),
      object: { ...intent, amount_received: 12_000, latest_charge: charge, status: 'succeeded' },
    }),
    refundMade: stripeEvent({ type: 'refund.created', at: at(200), object: refundObject }),
    refunded: stripeEvent({
      type: 'charge.refunded',
      at: at(200),
      object: {
        id: charge,
        object: 'charge',
        amount: 12_000,
        amount_captured: 12_000,
        amount_refunded: 3_000,
        captured: true,
        currency: 'eur',
        paid: true,
        refunded: false,
        status: 'succeeded',
        payment_intent: paymentId,
      },
    }),
    disputed: stripeEvent({
      type: 'charge.dispute.created',
      at: at(100),
      object: {
        id: `du_${run()}`,
        object: 'dispute',
        amount: 9_000,
        currency: 'eur',
        charge,
        payment_intent: paymentId,
        status: 'needs_response',
        reason: 'fraudulent',
      },
    }),
  };
}

function stripeEvent(given: {
  readonly type: string;
  readonly at: Date;
  readonly object: Record<string, unknown>;
}): DemoEvent {
  const eventId = `evt_${run()}`;
  const event = {
    id: eventId,
    object: 'event',
    api_version: '2026-01-28',
    created: Math.floor(given.at.getTime() / 1000),
    livemode: false,
    pending_webhooks: 1,
    type: given.type,
    data: { object: given.object },
    request: { id: null, idempotency_key: null },
  };
  return { eventId, type: given.type, body: Buffer.from(JSON.stringify(event)) };
}

/** 80.00 USD: approved, authorized, captured, 25.00 refunded, disputed. */
function paypalLife(now: Date) {
  const id = (): string => randomBytes(9).toString('hex').slice(0, 17).toUpperCase();
  const [order, authorization, paymentId, refund] = [id(), id(), id(), id()];
  const at = (secondsAgo: number): string =>
    `${new Date(now.getTime() - secondsAgo * 1000).toISOString().slice(0, 19)}Z`;
  const amount = (value: string) => ({ currency_code: 'USD', value });
  const related = { supplementary_data: { related_ids: { order_id: order, authorization_id: authorization } } };
  const up = (kind: string, target: string) => ({
    links: [{ rel: 'up', method: 'GET', href: `https://api.sandbox.paypal.com/v2/payments/${kind}/${target}` }],
  });
  return {
    paymentId,
    approved: paypalEvent({
      type: 'CHECKOUT.ORDER.APPROVED',
      resourceType: 'checkout-order',
      at: at(450),
      resource: {
        id: order,
        status: 'APPROVED',
        intent: 'AUTHORIZE',
        create_time: at(450),
        purchase_units: [{ reference_id: 'default', amount: amount('80.00') }],
      },
    }),
    authorized: paypalEvent({
      type: 'PAYMENT.AUTHORIZATION.CREATED',
      resourceType: 'authorization',
      at: at(350),
      resource: {
        id: authorization,
        status: 'CREATED',
        amount: amount('80.00'),
        create_time: at(350),
        update_time: at(350),
        supplementary_data: { related_ids: { order_id: order } },
      },
    }),
    captured: paypalEvent({
      type: 'PAYMENT.CAPTURE.COMPLETED',
      resourceType: 'capture',
      at: at(250),
      resource: {
        id: paymentId,
        status: 'COMPLETED',
        amount: amount('80.00'),
        final_capture: true,
        create_time: at(250),
        update_time: at(250),
        ...related,
        ...up('authorizations', authorization),
      },
    }),
    refunded: paypalEvent({
      type: 'PAYMENT.CAPTURE.REFUNDED',
      resourceType: 'refund',
      at: at(150),
      resource: {
        id: refund,
        status: 'COMPLETED',
        amount: amount('25.00'),
        create_time: at(150),
        update_time: at(150),
        ...up('captures', paymentId),
      },
    }),
    disputed: paypalEvent({
      type: 'CUSTOMER.DISPUTE.CREATED',
      resourceType: 'dispute',
      at: at(50),
      resource: {
        dispute_id: `PP-D-${id().slice(0, 5)}`,
        create_time: at(50),
        update_time: at(50),
        status: 'OPEN',
        reason: 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
        dispute_amount: amount('55.00'),
        disputed_transactions: [{ seller_transaction_id: paymentId }],
      },
    }),
  };
}

function paypalEvent(given: {
  readonly type: string;
  readonly resourceType: string;
  readonly at: string;
  readonly resource: Record<string, unknown>;
}): DemoEvent {
  const eventId = `WH-${randomUUID().toUpperCase()}`;
  const event = {
    id: eventId,
    event_version: '1.0',
    create_time: given.at,
    resource_type: given.resourceType,
    resource_version: '2.0',
    event_type: given.type,
    summary: 'Demonstration',
    resource: given.resource,
    links: [],
  };
  return { eventId, type: given.type, body: Buffer.from(JSON.stringify(event)) };
}
