import { randomBytes } from 'node:crypto';
import type { DemoEvent } from './demo-event.ts';

/** 120.00 EUR: created, authorized, captured, 30.00 refunded, disputed. */
export function stripeLife(now: Date) {
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

export function stripeEvent(given: {
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

/** Random, so that every run is about new objects. */
export function run(): string {
  return randomBytes(9).toString('hex');
}
