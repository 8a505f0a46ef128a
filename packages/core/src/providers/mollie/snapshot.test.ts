import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FactOf, PaymentFact } from '../../payment-event.ts';
import { testEffects } from '../paypal/fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from '../paypal/fixtures/paypal-stand-in.ts';
import { fetchFacts, settle } from '../testing/snapshots.ts';
import { createMollieSnapshotter } from './confirm.ts';
import payment from './fixtures/payment.json' with { type: 'json' };
import { mollie } from './provider.ts';

const apiKey = 'test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM';

let api: PayPalStandIn;
let answer: StandInAnswer | undefined;

beforeAll(async () => {
  api = await startPayPalStandIn(() => answer);
});
afterAll(async () => api[Symbol.asyncDispose]());
beforeEach(() => {
  answer = undefined;
});

describe('a payment is asked about', () => {
  test('by its id, with its refunds and chargebacks, as the holder of the key', async () => {
    answer = { status: 200, body: JSON.stringify(payment) };
    expect(await fetched()).toMatchObject({ name: `payment:${payment.id}` });
    expect(api.requests.at(-1)).toMatchObject({
      method: 'GET',
      path: `/v2/payments/${payment.id}?embed=refunds,chargebacks`,
      authorization: `Bearer ${apiKey}`,
    });
  });

  test('in vain where Mollie does not know it', async () => {
    expect(await fetched()).toBeNull();
  });

  test('not at all without an id that leads to one payment, or without a key', () => {
    const names = ['payment:../customers', `payment:${payment.id}?testmode=true`, 'order:ord_1'];
    expect(createMollieSnapshotter({ apiKey }, testEffects())?.({ names, providerAccount: null })).toBeNull();
    expect(createMollieSnapshotter({}, testEffects())).toBeNull();
  });
});

test.each([
  ['paid', {}, { status: 'captured', amountCaptured: 7_500, amountRefunded: 0 }],
  [
    'paid',
    { amountCaptured: { value: '70.00', currency: 'GBP' } },
    { status: 'partially_captured', amountCaptured: 7_000 },
  ],
  ['authorized', { authorizedAt: '2024-02-12T12:00:00Z' }, { status: 'authorized', amountCaptured: 0 }],
  ['canceled', { canceledAt: '2024-02-12T12:00:00Z' }, { status: 'canceled', amountCaptured: 0 }],
  ['failed', { failedAt: '2024-02-12T12:00:00Z' }, { status: 'failed', amountCaptured: 0 }],
])(
  'a payment that was told to have failed after it was paid stands as Mollie tells it: %s',
  async (status, fields, stands) => {
    const { _embedded, amountRefunded: _refunded, ...plain } = payment;
    const resource = status === 'paid' ? payment : plain;
    answer = { status: 200, body: JSON.stringify({ ...resource, status, ...fields }) };
    const { before, after } = settle(
      [told({ status: 'captured', captured: { key: payment.id, amount: 7_500 } }), told({ status: 'failed' })],
      (await fetched())?.facts ?? [],
    );
    expect(before).toMatchObject({ amountCaptured: 7_500, conflict: 'status_after_capture: failed' });
    expect(after).toMatchObject({ ...stands, amount: 7_500, conflict: null });
  },
);

test('a payment of which only a refund was known is known, with its chargeback', async () => {
  answer = { status: 200, body: JSON.stringify(payment) };
  const refund: PaymentFact = {
    kind: 'refund',
    occurredAtMs: 0,
    id: 're_4qqhO89gsT',
    references: [`payment:${payment.id}`],
    status: 'pending',
    amount: 595,
    currency: 'GBP',
  };
  const { before, after } = settle([refund], (await fetched())?.facts ?? []);
  expect(before).toMatchObject({ needsFetch: true, amount: null });
  expect(after).toMatchObject({
    id: payment.id,
    status: 'captured',
    amount: 7_500,
    amountRefunded: 0,
    disputeState: 'lost',
    needsFetch: false,
    conflict: null,
  });
});

function fetched() {
  const settings = { apiKey, apiOrigin: api.origin };
  const effects = { ...testEffects(), exchange: api.exchange };
  return fetchFacts(mollie, { settings, effects, names: [`payment:${payment.id}`] });
}

function told(said: Partial<FactOf<'payment'>>): FactOf<'payment'> {
  return { kind: 'payment', occurredAtMs: 0, references: [`payment:${payment.id}`], currency: 'GBP', ...said };
}
