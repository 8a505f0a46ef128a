import { describe, expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import { gateway, sdk, secret } from './fixtures/sdk.ts';
import { signBraintreeForm } from './sign.ts';
import { translateBraintree } from './translate.ts';

const timestamp = '2026-03-01T11:59:58Z';
const occurredAtMs = Date.parse(timestamp);

/** What a notification of this subject says. */
function facts(kind: string, subject: string) {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><notification><timestamp type="datetime">${timestamp}</timestamp><kind>${kind}</kind><subject>${subject}</subject></notification>`;
  return translateBraintree(signBraintreeForm({ xml: Buffer.from(xml), secret }));
}

function transaction(fields: Readonly<Record<string, string>>): string {
  const all = { id: 't1', status: 'settled', type: 'sale', amount: '100.50', 'currency-iso-code': 'USD', ...fields };
  return `<transaction>${Object.entries(all)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')}</transaction>`;
}

/** What the SDK's own sample says. */
async function sampled(kind: string) {
  const sample = await gateway.webhookTesting.sampleNotification(kind, 'id_1');
  return translateBraintree(Buffer.from(new URLSearchParams({ ...sample }).toString()));
}

const malformed = expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' });

test.each(Object.values(sdk.WebhookNotification.Kind))("the SDK's sample of %s is translated", async (kind) => {
  expect(Array.isArray(await sampled(kind))).toBe(true);
});

test.each([
  [
    'transaction_settled',
    { kind: 'payment', status: 'captured', amount: 10000, captured: { key: 'id_1', amount: 10000 } },
  ],
  ['transaction_settlement_declined', { kind: 'payment', status: 'failed', amount: 10000 }],
  ['transaction_retried', { kind: 'payment', status: 'captured', amount: 10000 }],
  ['transaction_disbursed', { kind: 'payment', references: ['payment:id_1'] }],
  ['refund_failed', { kind: 'refund', id: 'id_1', status: 'failed', references: [] }],
  ['subscription_charged_successfully', { kind: 'payment', status: 'captured', references: ['payment:id_1'] }],
  ['subscription_charged_unsuccessfully', { kind: 'payment', status: 'failed', references: ['payment:id_1'] }],
  ['local_payment_completed', { kind: 'payment', status: 'pending', references: ['payment:1'] }],
  ['local_payment_funded', { kind: 'payment', status: 'captured', references: ['payment:1'] }],
  ['dispute_opened', { kind: 'dispute', status: 'needs_response', amount: 25000, currency: 'USD', reason: 'fraud' }],
  ['dispute_disputed', { status: 'under_review' }],
  ['dispute_under_review', { status: 'under_review' }],
  ['dispute_accepted', { status: 'accepted' }],
  ['dispute_auto_accepted', { status: 'accepted' }],
  ['dispute_expired', { status: 'expired' }],
  ['dispute_lost', { status: 'lost' }],
  ['dispute_won', { status: 'won', references: ['payment:id_1'] }],
])("the SDK's sample of %s says what it should", async (kind, expected) => {
  expect(await sampled(kind)).toMatchObject([expected]);
});

test.each(['check', 'disbursement', 'subscription_went_active', 'local_payment_expired', 'transaction_reviewed'])(
  "the SDK's sample of %s says nothing about payments",
  async (kind) => {
    expect(await sampled(kind)).toEqual([]);
  },
);

test('a settled sale is a captured payment at the time of the notification', () => {
  expect(facts('transaction_settled', transaction({}))).toEqual([
    {
      kind: 'payment',
      occurredAtMs,
      references: ['payment:t1'],
      status: 'captured',
      amount: 10050,
      currency: 'USD',
      captured: { key: 't1', amount: 10050 },
    },
  ]);
});

test.each([
  ['authorizing', 'pending'],
  ['authorized', 'authorized'],
  ['submitted_for_settlement', 'captured'],
  ['settling', 'captured'],
  ['settlement_confirmed', 'captured'],
  ['settlement_pending', 'pending'],
  ['gateway_rejected', 'failed'],
  ['failed', 'failed'],
  ['processor_declined', 'failed'],
  ['settlement_declined', 'failed'],
  ['authorization_expired', 'expired'],
  ['voided', 'canceled'],
])('a sale that is %s is %s, and names no captured amount yet', (status, expected) => {
  const [fact] = facts('transaction_disbursed', transaction({ status }));
  expect(fact).toMatchObject({ kind: 'payment', status: expected, captured: undefined });
});

describe('a credit', () => {
  const credit = { type: 'credit', 'refunded-transaction-id': 't0' };

  test.each([
    ['settled', 'succeeded'],
    ['submitted_for_settlement', 'pending'],
    ['settlement_declined', 'failed'],
    ['voided', 'canceled'],
  ])('that is %s is a refund that is %s', (status, expected) => {
    expect(facts('transaction_settled', transaction({ ...credit, status }))).toEqual([
      {
        kind: 'refund',
        occurredAtMs,
        id: 't1',
        references: ['payment:t0'],
        status: expected,
        amount: 10050,
        currency: 'USD',
      },
    ]);
  });

  test('folds into the payment it refunds', () => {
    const all = [
      ...facts('transaction_settled', transaction({ id: 't0' })),
      ...facts('transaction_settled', transaction(credit)),
    ];
    const keyed = all.map((fact, index) => ({ eventId: `e${index}`, ordinal: 0, fact }));
    expect(foldPayment(keyed)).toMatchObject({
      payment: { status: 'captured' },
      refunds: [{ id: 't1', status: 'succeeded' }],
    });
  });
});

test.each([
  ['JPY', '500', 500],
  ['JPY', '500.00', 500],
  ['KWD', '1.234', 1234],
  ['USD', '0.1', 10],
])('%s %s is %i minor units', (currency, amount, expected) => {
  const fields = { amount, 'currency-iso-code': currency };
  expect(facts('transaction_settled', transaction(fields))).toMatchObject([{ amount: expected, currency }]);
});

test('every transaction of a subscription is a payment of its own', () => {
  const many = `<subscription><id>s1</id><transactions type="array">${transaction({ id: 't2' })}${transaction({ id: 't1' })}</transactions></subscription>`;
  expect(facts('subscription_charged_successfully', many)).toMatchObject([
    { references: ['payment:t2'] },
    { references: ['payment:t1'] },
  ]);
  const none = '<subscription><id>s1</id><transactions type="array"/></subscription>';
  expect(facts('subscription_charged_successfully', none)).toEqual([]);
});

test('a local payment completed without a transaction says nothing', () => {
  const subject = '<local-payment><payment-id>p</payment-id><transaction nil="true"/></local-payment>';
  expect(facts('local_payment_completed', subject)).toEqual([]);
});

test('a retrieval is an inquiry while it is open', () => {
  const dispute = (status: string) =>
    `<dispute><id>d1</id><status>${status}</status><kind>retrieval</kind><reason nil="true"/><transaction><id>t1</id></transaction></dispute>`;
  expect(facts('dispute_opened', dispute('open'))).toMatchObject([{ id: 'd1', status: 'inquiry' }]);
  expect(facts('dispute_won', dispute('won'))).toMatchObject([{ status: 'won' }]);
});

test('an unknown kind says nothing, an unknown status is malformed', () => {
  expect(facts('transaction_sang', '<song/>')).toEqual([]);
  expect(() => facts('transaction_settled', transaction({ status: 'sung' }))).toThrow(malformed);
  expect(() => facts('transaction_settled', transaction({ type: 'gift' }))).toThrow(malformed);
  expect(() => facts('transaction_settled', '<transactions/>')).toThrow(malformed);
});

test('an amount or identifier that is none is refused', () => {
  expect(() => facts('transaction_settled', transaction({ amount: '1e3' }))).toThrow(
    expect.objectContaining({ code: 'malformed_amount' }),
  );
  expect(() => facts('transaction_settled', transaction({ id: 'a b' }))).toThrow(malformed);
  expect(() => facts('transaction_settled', transaction({ id: '&amp;' }).replace('USD', 'usd'))).toThrow(malformed);
});
