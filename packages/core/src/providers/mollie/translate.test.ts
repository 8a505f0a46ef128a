import { expect, test } from 'vitest';
import payment from './fixtures/payment.json' with { type: 'json' };
import { confirmsTo } from '../testing/confirmation.ts';
import { mollie } from './provider.ts';
import { translateMollie, translateMollieAnswer } from './translate.ts';

const classic = {
  eventId: `${payment.id}.1`,
  type: 'payment',
  tier: 'none',
  providerAccount: null,
  receivedAt: new Date(0),
  body: Buffer.from(`id=${payment.id}`),
} as const;
const facts = [
  {
    kind: 'payment',
    occurredAtMs: Date.parse('2024-02-12T12:01:04Z'),
    references: [`payment:${payment.id}`],
    status: 'captured',
    amount: 7_500,
    currency: 'GBP',
    captured: { key: payment.id, amount: 7_500 },
  },
  {
    kind: 'refund',
    occurredAtMs: Date.parse('2024-02-13T09:00:00Z'),
    id: 're_4qqhO89gsT',
    references: [`payment:${payment.id}`],
    status: 'pending',
    amount: 595,
    currency: 'GBP',
  },
  {
    kind: 'dispute',
    occurredAtMs: Date.parse('2024-03-01T00:00:00Z'),
    id: 'chb_xFzwUN4ci8HAmSGUACS4J',
    references: [`payment:${payment.id}`],
    status: 'lost',
    funds: 'withdrawn',
    amount: 6_905,
    currency: 'GBP',
  },
] as const;

confirmsTo({
  provider: mollie,
  settings: { apiKey: 'test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM' },
  credential: 'apiKey',
  event: classic,
  silent: { ...classic, body: Buffer.from('id=sub_rVKGtNd6s3') },
  asks: {
    path: `/v2/payments/${payment.id}?embed=refunds,chargebacks`,
    authorization: 'Bearer test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM',
  },
  answer: payment,
  otherAnswer: { ...payment, id: 'tr_other' },
  facts: facts.map((fact) => ({ ...fact, references: [...fact.references] })),
});

test('a signed snapshot says it without being asked, and a signed name without a payload has to be', () => {
  const event = { id: 'event_1', type: 'payment.paid', entityId: payment.id, createdAt: '2026-03-01T12:00:00Z' };
  expect(translateMollie(bodyOf({ ...event, _embedded: { entity: payment } }))).toEqual(facts);
  expect(translateMollie(bodyOf(event))).toEqual([]);

  const confirm = mollie.confirmation?.createConfirmer(
    { apiKey: 'test_dHar4XY7LxsDOtmnkVtjNVWXLSlXsM' },
    { exchange: () => Promise.reject(new Error('no exchange')), trustedRoots: [], production: false },
  );
  const signed = { ...classic, tier: 'body' } as const;
  expect(confirm?.({ ...signed, body: bodyOf(event) })).not.toBeNull();
  expect(confirm?.({ ...signed, body: bodyOf({ ...event, _embedded: { entity: payment } }) })).toBeNull();
  expect(confirm?.({ ...signed, body: bodyOf({ ...event, entityId: '../customers' }) })).toBeNull();
  expect(translateMollie(bodyOf({ ...event, type: 'sales-invoice.paid', entityId: 'invoice_1' }))).toEqual([]);
});

test('a signed refund says what became of it, and of which payment', () => {
  const [refund] = payment._embedded.refunds;
  const event = { id: 'event_1', entityId: refund?.id, createdAt: '2026-03-01T12:00:00Z' };
  const [, expected] = facts;
  const told = (status: string, more = { paymentId: payment.id }) =>
    translateMollie(
      bodyOf({ ...event, type: `refund.${status}`, _embedded: { entity: { ...refund, status, ...more } } }),
    );
  expect(told('pending')).toEqual([expected]);
  expect(told('refunded')).toEqual([{ ...expected, status: 'succeeded' }]);
  expect(told('failed')).toEqual([{ ...expected, status: 'failed' }]);
  expect(told('canceled')).toEqual([{ ...expected, status: 'canceled' }]);
  expect(translateMollie(bodyOf({ ...event, type: 'refund.failed' }))).toEqual([]);
  expect(() => told('lost')).toThrow(expect.objectContaining({ code: 'malformed_event' }));
});

test('classic webhooks without a key to fetch with are refused when the worker starts', () => {
  const effects = { exchange: () => Promise.reject(new Error('no exchange')), trustedRoots: [], production: false };
  expect(() => mollie.confirmation?.createConfirmer({ tokens: ['a-token'] }, effects)).toThrow(/apiKey is required/);
  expect(mollie.confirmation?.createConfirmer({}, effects)).toBeNull();
});

test.each([
  ['open', {}, { status: 'created', occurredAtMs: Date.parse(payment.createdAt) }],
  ['authorized', { authorizedAt: '2024-02-12T12:00:00Z' }, { status: 'authorized' }],
  ['canceled', { canceledAt: '2024-02-12T12:00:00Z' }, { status: 'canceled' }],
  ['expired', { expiredAt: '2024-02-12T12:00:00Z' }, { status: 'expired' }],
  [
    'failed',
    { failedAt: '2024-02-12T12:00:00Z', statusReason: { code: 'insufficient_funds', message: 'x' } },
    { status: 'failed', failureCode: 'insufficient_funds' },
  ],
])('a payment that is %s is told at its time', (status, fields, expected) => {
  const { paidAt: _paidAt, _embedded, ...rest } = payment;
  const [fact] = translateMollieAnswer(classic.body, bodyOf({ ...rest, status, ...fields }));
  expect(fact).toMatchObject({ occurredAtMs: Date.parse('2024-02-12T12:00:00Z'), ...expected });
  expect(fact).not.toHaveProperty('captured');
});

test('a chargeback that was reversed gives the money back', () => {
  const [chargeback] = payment._embedded.chargebacks;
  const reversed = { ...payment, _embedded: { chargebacks: [{ ...chargeback, reversedAt: '2024-04-01T00:00:00Z' }] } };
  expect(translateMollieAnswer(classic.body, bodyOf(reversed)).at(-1)).toMatchObject({
    status: 'won',
    funds: 'reinstated',
    occurredAtMs: Date.parse('2024-04-01T00:00:00Z'),
  });
});

function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
