import { describe, expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import { changed, orderCreated, renewalPaid } from './fixtures/events.ts';
import { translateLemonSqueezy } from './translate.ts';

function facts(event: unknown) {
  return translateLemonSqueezy(Buffer.from(JSON.stringify(event)));
}

const malformed = expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' });

test('a paid order is a captured payment', () => {
  expect(facts(orderCreated)).toEqual([
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2021-08-17T09:45:53Z'),
      references: ['order:1'],
      status: 'captured',
      amount: 1199,
      currency: 'USD',
      captured: { key: 'order:1', amount: 1199 },
    },
  ]);
});

test('a renewal is a payment of its own, though its number is that of an order', () => {
  expect(facts(renewalPaid)).toMatchObject([
    { references: ['payment:1'], status: 'captured', captured: { key: 'payment:1', amount: 999 }, refundedTotal: 0 },
  ]);
});

test.each([
  'subscription_payment_success',
  'subscription_payment_failed',
  'subscription_payment_recovered',
  'subscription_payment_refunded',
])("a subscription's first payment is left to its order by %s", (name) => {
  expect(facts(changed(renewalPaid, name, { billing_reason: 'initial' }))).toEqual([]);
});

test.each([
  ['pending', 'pending'],
  ['failed', 'failed'],
  ['refunded', 'captured'],
  ['partial_refund', 'captured'],
  ['fraudulent', undefined],
])('an order that is %s is %s', (status, expected) => {
  expect(facts(changed(orderCreated, 'order_created', { status }))).toMatchObject([{ status: expected }]);
});

test.each([
  ['subscription_payment_failed', 'pending', 'failed'],
  ['subscription_payment_failed', 'void', 'canceled'],
  ['subscription_payment_success', 'pending', 'pending'],
  ['subscription_payment_recovered', 'paid', 'captured'],
  ['subscription_payment_refunded', 'partial_refund', 'captured'],
  ['subscription_payment_refunded', 'partial_refunded', 'captured'],
])('%s of an invoice that is %s is %s', (name, status, expected) => {
  expect(facts(changed(renewalPaid, name, { status }))).toMatchObject([{ status: expected }]);
});

test('nothing is captured of what is not paid', () => {
  expect(facts(changed(renewalPaid, 'subscription_payment_failed', { status: 'pending' }))).toMatchObject([
    { captured: undefined, amount: 999 },
  ]);
});

describe('refunds', () => {
  test.each([
    ['of all, where the amount is not sent', { status: 'refunded' }, 1199],
    ['of all, where it is', { status: 'refunded', refunded_amount: 1199 }, 1199],
    ['of a part', { status: 'partial_refund', refunded_amount: 400 }, 400],
    ['of a part, where the amount is not sent', { status: 'partial_refund' }, undefined],
  ])('%s', (_what, attributes, refundedTotal) => {
    expect(facts(changed(orderCreated, 'order_refunded', attributes))).toMatchObject([{ refundedTotal }]);
  });

  test('fold into the payment in any order of arrival', () => {
    const later = { updated_at: '2021-08-18T00:00:00.000000Z' };
    const all = [
      ...facts(orderCreated),
      ...facts(changed(orderCreated, 'order_refunded', { ...later, status: 'partial_refund', refunded_amount: 400 })),
    ];
    const keyed = all.map((fact, index) => ({ eventId: `e${index}`, ordinal: 0, fact }));
    expect(foldPayment(keyed.toReversed())).toEqual(foldPayment(keyed));
    expect(foldPayment(keyed).payment).toMatchObject({ status: 'captured', amountRefunded: 400 });
  });
});

test('no amount is named in a currency without cents', () => {
  expect(facts(changed(orderCreated, 'order_created', { currency: 'JPY' }))).toMatchObject([
    { status: 'captured', currency: 'JPY', amount: undefined, captured: undefined, refundedTotal: undefined },
  ]);
});

test('other events say nothing about payments', () => {
  expect(facts({ meta: { event_name: 'subscription_created' }, data: { type: 'subscriptions', id: '1' } })).toEqual([]);
  expect(facts({ meta: { event_name: 'license_key_created' } })).toEqual([]);
});

test.each([
  ['an unknown order status', changed(orderCreated, 'order_created', { status: 'lost' })],
  ['an unknown invoice status', changed(renewalPaid, 'subscription_payment_success', { status: 'lost' })],
  ['an unknown billing reason', changed(renewalPaid, 'subscription_payment_success', { billing_reason: 'whim' })],
  ['an invoice for an order', changed(renewalPaid, 'order_created')],
  ['a fraction of a cent', changed(orderCreated, 'order_created', { total: 1.5 })],
  ['no time', changed(orderCreated, 'order_created', { updated_at: null })],
])('%s is malformed', (_what, event) => {
  expect(() => facts(event)).toThrow(malformed);
});
