import { describe, expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import { events } from './fixtures/events.ts';
import { translatePaystack } from './translate.ts';

function facts(event: unknown) {
  return translatePaystack(Buffer.from(JSON.stringify(event)));
}

/** The event with some of its data changed. */
function changed(event: { readonly event: string; readonly data: object }, data: object) {
  return { ...event, data: { ...event.data, ...data } };
}

const malformed = expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' });

test('a successful charge is a captured payment under its reference', () => {
  expect(facts(events.chargeSuccess)).toEqual([
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2016-09-30T21:10:19.000Z'),
      references: ['payment:qTPrJoy9Bx'],
      status: 'captured',
      amount: 10000,
      currency: 'NGN',
      captured: { key: 'qTPrJoy9Bx', amount: 10000 },
    },
  ]);
});

describe('amounts', () => {
  test.each([
    ['NGN', 10050, 10050],
    ['XOF', 150000, 1500],
    ['RWF', 100, 1],
    ['KES', 7, 7],
  ])('in %s are hundredths: %i is %i minor units', (currency, amount, expected) => {
    expect(facts(changed(events.chargeSuccess, { amount, currency }))).toMatchObject([{ amount: expected }]);
  });

  test('that leave a fraction of a currency without one are refused', () => {
    expect(() => facts(changed(events.chargeSuccess, { amount: 150050, currency: 'XOF' }))).toThrow(
      expect.objectContaining({ code: 'malformed_amount' }),
    );
  });

  test.each([-1, 1.5, '10.50', '-5', '1e3', null])('of another form, like %s, are refused', (amount) => {
    expect(() => facts(changed(events.chargeSuccess, { amount }))).toThrow(malformed);
  });
});

test('a charge that is not a success, or has no time, is malformed', () => {
  expect(() => facts(changed(events.chargeSuccess, { status: 'failed' }))).toThrow(malformed);
  expect(() => facts(changed(events.chargeSuccess, { paid_at: null, created_at: null }))).toThrow(malformed);
});

describe('refunds', () => {
  test.each([
    ['requires_action', '123456', 5306, events.refundNeedsAttention],
    ['succeeded', '132013318360', 5000, events.refundProcessed],
    ['failed', 'TRF_9vgfawjnoz58uxy', 20000, events.refundFailed],
    ['pending', '77', 10000, changed(events.refundProcessing, { id: 77 })],
  ])('become %s under the name %s', (status, id, amount, event) => {
    expect(facts(event)).toMatchObject([{ kind: 'refund', status, id, amount, currency: 'NGN' }]);
  });

  test('belong to the payment of their transaction reference', () => {
    expect(facts(events.refundProcessed)).toMatchObject([{ references: ['payment:T2154954_412829_3be32076_6lcg3'] }]);
  });

  test('without a name say nothing while pending, and are malformed once it matters', () => {
    expect(facts(events.refundPending)).toEqual([]);
    expect(facts(events.refundProcessing)).toEqual([]);
    expect(() => facts(changed(events.refundProcessed, { refund_reference: null }))).toThrow(malformed);
  });

  test('of an undocumented status are malformed', () => {
    expect(() => facts(changed(events.refundProcessed, { status: 'retriable' }))).toThrow(malformed);
  });

  test('come out the same in any order, though they carry no time', () => {
    const charge = facts(events.chargeSuccess);
    const references = { transaction_reference: events.chargeSuccess.data.reference, id: 9, amount: '4000' };
    const steps = [events.refundPending, events.refundNeedsAttention, events.refundProcessed].flatMap((event) =>
      facts(changed(event, references)),
    );
    const keyed = [...charge, ...steps].map((fact, index) => ({ eventId: `e${index}`, ordinal: 0, fact }));
    const inOrder = foldPayment(keyed);
    expect(foldPayment(keyed.toReversed())).toEqual(inOrder);
    expect(inOrder).toMatchObject({
      payment: { status: 'captured' },
      refunds: [{ id: '9', status: 'succeeded', amount: 4000 }],
    });
  });
});

describe('disputes', () => {
  test('a dispute that waits for the merchant needs a response', () => {
    expect(facts(events.disputeCreated)).toEqual([
      {
        kind: 'dispute',
        occurredAtMs: Date.parse('2020-11-24T18:00:02.000Z'),
        id: '358950',
        references: ['payment:v3mjfgbnc19v97x'],
        status: 'needs_response',
        amount: 5800,
        currency: 'NGN',
        reason: 'chargeback',
      },
    ]);
  });

  test.each([
    ['awaiting-bank-feedback', null, 'under_review'],
    ['pending', null, 'under_review'],
    ['resolved', 'auto-accepted', 'accepted'],
    ['resolved', 'merchant-accepted', 'accepted'],
    ['resolved', 'declined', 'won'],
  ])('%s with resolution %s is %s', (status, resolution, expected) => {
    expect(facts(changed(events.disputeResolved, { status, resolution }))).toMatchObject([{ status: expected }]);
  });

  test.each([
    ['resolved', null],
    ['resolved', 'split-the-difference'],
    ['closed', null],
  ])('%s with resolution %s is malformed', (status, resolution) => {
    expect(() => facts(changed(events.disputeResolved, { status, resolution }))).toThrow(malformed);
  });

  test('takes the currency of the transaction where it has none of its own', () => {
    expect(facts(changed(events.disputeCreated, { currency: null }))).toMatchObject([
      { amount: 5800, currency: 'NGN' },
    ]);
  });
});

test.each([
  ['paid', 'TRF_v5tip3zx8nna9o78', 100000, events.transferSuccess],
  ['failed', 'TRF_js075pj9u07f34l', 10000, changed(events.transferReversed, { status: 'failed' })],
  ['returned', 'TRF_js075pj9u07f34l', 10000, events.transferReversed],
])('a transfer is a payout that is %s', (status, id, amount, event) => {
  expect(facts(event)).toMatchObject([{ kind: 'payout', status, id, amount, currency: 'NGN' }]);
});

test('other events say nothing about payments', () => {
  expect(facts({ event: 'invoice.update', data: { status: 'success' } })).toEqual([]);
  expect(facts({ event: 'subscription.expiring_cards', data: [] })).toEqual([]);
  expect(facts({ event: 'something.new' })).toEqual([]);
});

test('identifiers that are no identifiers are malformed', () => {
  expect(() => facts(changed(events.chargeSuccess, { reference: 'a b' }))).toThrow(malformed);
});
