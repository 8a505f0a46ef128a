import { expect, test } from 'vitest';
import { confirmsTo } from '../testing/confirmation.ts';
import { createStripeConfirmer } from './confirm.ts';
import { testEffects } from '../paypal/fixtures/deliveries.ts';
import { stripe } from './provider.ts';

const thin = {
  id: 'evt_test_65R',
  object: 'v2.core.event',
  type: 'v1.payment_intent.succeeded',
  created: '2026-03-01T12:00:00.123Z',
  livemode: false,
  context: 'acct_1',
  related_object: { id: 'pi_1', type: 'payment_intent', url: '/v1/payment_intents/pi_1' },
};
const intent = {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 1_200,
  amount_received: 1_200,
  currency: 'eur',
  status: 'succeeded',
};
const event = {
  eventId: thin.id,
  type: thin.type,
  tier: 'full',
  providerAccount: 'acct_1',
  receivedAt: new Date(0),
  body: bodyOf(thin),
} as const;

confirmsTo({
  provider: stripe,
  settings: { apiKey: 'rk_test_key' },
  credential: 'apiKey',
  event,
  silent: { ...event, body: bodyOf({ id: 'evt_1', object: 'event', type: 'charge.succeeded' }) },
  asks: { path: '/v1/payment_intents/pi_1', authorization: 'Bearer rk_test_key' },
  answer: intent,
  otherAnswer: { ...intent, id: 'pi_2' },
  facts: [
    {
      kind: 'payment',
      occurredAtMs: Date.parse(thin.created),
      references: ['payment_intent:pi_1'],
      status: 'captured',
      amount: 1_200,
      currency: 'EUR',
      captured: { key: 'total', amount: 1_200 },
    },
  ],
});

test.each([
  'https://evil.example/v1/charges/ch_1',
  '//evil.example/v1/charges/ch_1',
  '@evil.example/v1/charges/ch_1',
  '/v1/../../admin',
  '/v1/charges/ch_1?expand[]=customer',
  '/v3/charges/ch_1',
  '/v1',
])('a related object at %s is not fetched', (url) => {
  const confirm = createStripeConfirmer({ apiKey: 'rk_test_key' }, testEffects());
  const body = bodyOf({ ...thin, related_object: { ...thin.related_object, url } });
  expect(confirm?.({ ...event, body })).toBeNull();
});

test('without a key a thin event says nothing and nothing is asked', () => {
  expect(createStripeConfirmer({}, testEffects())).toBeNull();
  expect(stripe.translate(event.body)).toEqual([]);
});

test('an event of a type that is not about payments says nothing, whatever its object', () => {
  const meter = bodyOf({ ...thin, type: 'v1.billing.meter.error_report_triggered' });
  expect(stripe.confirmation?.translate(meter, bodyOf(intent))).toEqual([]);
});

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
