import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FactOf, PaymentFact, PaymentReference, PaymentStatus } from '../../payment-event.ts';
import { fetchFacts, settle } from '../testing/snapshots.ts';
import { testEffects } from './fixtures/deliveries.ts';
import { startPayPalStandIn, type PayPalStandIn, type StandInAnswer } from './fixtures/paypal-stand-in.ts';
import { paypal } from './provider.ts';
import { createPayPalSnapshotter, translatePayPalSnapshot } from './snapshot.ts';

const settings = { environment: 'sandbox', clientId: 'client', clientSecret: 'secret' };
const amount = { currency_code: 'USD', value: '20.00' };
const paths = {
  order: '/v2/checkout/orders/O1',
  capture: '/v2/payments/captures/C1',
  sale: '/v1/payments/sale/S1',
  authorization: '/v2/payments/authorizations/A1',
} as const;

let api: PayPalStandIn;
let answers: Map<string, StandInAnswer>;

beforeAll(async () => {
  const token = { status: 200, body: '{"access_token":"token","expires_in":3600}' };
  api = await startPayPalStandIn(({ path }) => (path === '/v1/oauth2/token' ? token : answers.get(path)));
});
afterAll(async () => api[Symbol.asyncDispose]());
beforeEach(() => {
  answers = new Map();
});

describe('a payment is asked about', () => {
  test('by the most telling name that PayPal knows, as the app of the endpoint', async () => {
    const names = ['authorization:A1', 'sale:S1', 'capture:C1', 'order:O1'];
    const before = api.requests.length;
    knows('authorization', { id: 'A1', status: 'CREATED', amount });
    expect(await fetched(names)).toMatchObject({ name: 'authorization:A1' });
    knows('capture', { id: 'C1', status: 'COMPLETED', amount });
    expect(await fetched(names)).toMatchObject({ name: 'capture:C1' });
    const asked = api.requests.slice(before).filter(({ method }) => method === 'GET');
    expect(asked).toMatchObject(
      [paths.order, paths.capture, paths.sale, paths.authorization, paths.order, paths.capture].map((path) => ({
        path,
        authorization: 'Bearer token',
      })),
    );
  });

  test('in vain where PayPal knows none of its names', async () => {
    const ask = snapshotter()?.({ names: ['order:O1', 'capture:C1'], providerAccount: null });
    expect(await ask?.(new Date())).toEqual({ kind: 'unknown' });
  });

  test('not at all without a name that leads to one resource, or without credentials', () => {
    const names = ['order:../../oauth2', 'capture:C1?fields=all', 'capture:', 'payment_intent:pi_1'];
    expect(snapshotter()?.({ names, providerAccount: null })).toBeNull();
    expect(createPayPalSnapshotter({ environment: 'sandbox', confirm: 'never' }, testEffects())).toBeNull();
  });
});

describe('a capture that was told to have been declined after it took the money', () => {
  const told = (key: string, references: PaymentReference[]) => [
    fact('captured', references, { captured: { key, amount: 2_000 } }),
    fact('failed', references),
  ];

  test.each([
    ['COMPLETED', { status: 'captured', amountCaptured: 2_000 }],
    ['REFUNDED', { status: 'captured', amountCaptured: 2_000 }],
    ['PENDING', { status: 'pending', amountCaptured: 0 }],
    ['DECLINED', { status: 'failed', amountCaptured: 0, failureCode: 'REFUNDED' }],
  ])('stands as the capture does that PayPal calls %s', async (status, stands) => {
    knows('capture', { id: 'C1', status, amount, status_details: { reason: 'REFUNDED' } });
    const { before, after } = settle(told('C1', ['capture:C1']), await factsAbout('capture:C1'));
    expect(before).toMatchObject({ amountCaptured: 2_000, conflict: 'status_after_capture: failed' });
    expect(after).toMatchObject({ ...stands, conflict: null });
  });

  test.each([
    ['completed', { status: 'captured', amountCaptured: 2_000 }],
    ['denied', { status: 'failed', amountCaptured: 0 }],
  ])('stands as the sale of the v1 API does that PayPal calls %s', async (state, stands) => {
    knows('sale', { id: 'S1', state, amount: { currency: 'USD', total: '20.00' } });
    const { before, after } = settle(told('S1', ['sale:S1']), await factsAbout('sale:S1'));
    expect(before.conflict).toBe('status_after_capture: failed');
    expect(after).toMatchObject({ ...stands, amount: 2_000, conflict: null });
  });

  test.each([
    ['one took the money', ['DECLINED', 'COMPLETED'], { status: 'captured', amountCaptured: 2_000 }],
    ['one is under way', ['DECLINED', 'PENDING'], { status: 'pending', amountCaptured: 0 }],
    ['all failed', ['DECLINED', 'FAILED'], { status: 'failed', amountCaptured: 0 }],
  ])('stands as the attempts of its order do: %s', async (_what, statuses, stands) => {
    const captures = statuses.map((status, index) => ({ id: `C${index}`, status, amount }));
    knows('order', { id: 'O1', status: 'COMPLETED', purchase_units: [{ amount, payments: { captures } }] });
    const { before, after } = settle(
      told('C1', ['capture:C1', 'order:O1']),
      await factsAbout('order:O1', 'capture:C1'),
    );
    expect(before.conflict).toBe('status_after_capture: failed');
    expect(after).toMatchObject({ ...stands, amount: 2_000, conflict: null });
  });
});

test.each([
  ['CREATED', { status: 'authorized' }],
  ['VOIDED', { status: 'canceled' }],
  ['DENIED', { status: 'failed' }],
])('an authorization that was told to live on after it was voided stands at %s', async (status, stands) => {
  knows('authorization', { id: 'A1', status, amount });
  const told = [fact('canceled', ['authorization:A1']), fact('authorized', ['authorization:A1'])];
  const { before, after } = settle(told, await factsAbout('authorization:A1'));
  expect(before.conflict).toBe('status_after_canceled');
  expect(after).toMatchObject({ ...stands, amount: 2_000, conflict: null });
});

test.each([
  ['VOIDED', { status: 'canceled' }],
  ['APPROVED', { status: 'created' }],
])('an order that lists no payment stands itself: %s', async (status, stands) => {
  knows('order', { id: 'O1', status, purchase_units: [{ amount }, { amount }] });
  const told = [fact('canceled', ['order:O1']), fact('authorized', ['order:O1'])];
  expect(settle(told, await factsAbout('order:O1')).after).toMatchObject({ ...stands, amount: 4_000, conflict: null });
});

describe('a payment of which only a refund was known', () => {
  const refund: PaymentFact = {
    kind: 'refund',
    occurredAtMs: 0,
    id: 'R1',
    references: ['capture:C1'],
    status: 'succeeded',
    amount: 500,
    currency: 'USD',
  };
  const whole = { id: 'C1', amount: 2_000, amountCaptured: 2_000, amountRefunded: 500, refundState: 'partial' };

  test('is known by its capture, and by that its order', async () => {
    knows('capture', {
      id: 'C1',
      status: 'PARTIALLY_REFUNDED',
      amount,
      supplementary_data: { related_ids: { order_id: 'O1', authorization_id: 'A1' } },
    });
    const { before, after } = settle([refund], await factsAbout('capture:C1'));
    expect(before.needsFetch).toBe(true);
    expect(after).toMatchObject({ ...whole, needsFetch: false, conflict: null });
    expect(after.references).toEqual(['authorization:A1', 'capture:C1', 'order:O1']);
  });

  test('is known by the order that lists its capture', async () => {
    const captures = [{ id: 'C1', status: 'PARTIALLY_REFUNDED', amount }];
    knows('order', { id: 'O1', status: 'COMPLETED', purchase_units: [{ amount, payments: { captures } }] });
    const { after } = settle([refund], await factsAbout('order:O1'));
    expect(after).toMatchObject({ ...whole, needsFetch: false, conflict: null });
  });
});

test.each([
  ['order:O1', '{}'],
  ['capture:C1', '{"id":"C1","status":"UNHEARD","amount":{"currency_code":"USD","value":"20.00"}}'],
  ['sale:S1', '{"id":"S1"}'],
  ['authorization:A1', '<html>'],
  ['payment_intent:pi_1', '{"id":"pi_1"}'],
])('an answer about %s that cannot be read is a permanent failure: %s', (name, answer) => {
  expect(() => translatePayPalSnapshot(name, Buffer.from(answer))).toThrow(
    expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' }),
  );
});

function snapshotter() {
  return createPayPalSnapshotter(settings, { ...testEffects(), exchange: api.exchange });
}

function knows(kind: keyof typeof paths, resource: Record<string, unknown>): void {
  answers.set(paths[kind], { status: 200, body: JSON.stringify(resource) });
}

function fetched(names: readonly string[]) {
  return fetchFacts(paypal, { settings, effects: { ...testEffects(), exchange: api.exchange }, names });
}

async function factsAbout(...names: readonly string[]): Promise<readonly PaymentFact[]> {
  return (await fetched(names))?.facts ?? [];
}

function fact(
  status: PaymentStatus,
  references: PaymentReference[],
  said: Partial<FactOf<'payment'>> = {},
): FactOf<'payment'> {
  return { kind: 'payment', occurredAtMs: 0, references, status, currency: 'USD', ...said };
}
