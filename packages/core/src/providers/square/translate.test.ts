import { describe, expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import { translateSquare } from './translate.ts';

describe('a Square payment', () => {
  test.each([
    ['APPROVED', 'authorized', undefined],
    ['PENDING', 'pending', undefined],
    ['COMPLETED', 'captured', { key: 'p1', amount: 1_250 }],
    ['CANCELED', 'canceled', undefined],
    ['FAILED', 'failed', undefined],
  ] as const)('%s is %s, told at its latest update', (status, canonical, captured) => {
    expect(translateSquare(paymentEvent({ status }))).toEqual([
      {
        kind: 'payment',
        occurredAtMs: Date.parse('2026-03-01T12:00:05.500Z'),
        references: ['payment:p1'],
        status: canonical,
        amount: 1_250,
        currency: 'USD',
        ...(captured === undefined ? {} : { captured }),
      },
    ]);
  });

  test('says how much was refunded in total', () => {
    const facts = translateSquare(
      paymentEvent({ status: 'COMPLETED', refunded_money: { amount: 250, currency: 'USD' } }),
    );
    const { payment } = foldPayment(facts.map((fact, ordinal) => ({ eventId: 'e', ordinal, fact })));
    expect(payment).toMatchObject({
      status: 'captured',
      amountCaptured: 1_250,
      amountRefunded: 250,
      refundState: 'partial',
    });
  });
});

test.each([
  ['PENDING', 'pending'],
  ['COMPLETED', 'succeeded'],
  ['REJECTED', 'failed'],
  ['FAILED', 'failed'],
] as const)('a Square refund that is %s is %s', (status, canonical) => {
  const refund = {
    id: 'p1_r1',
    status,
    amount_money: { amount: 250, currency: 'USD' },
    payment_id: 'p1',
    reason: 'Broken',
    created_at: '2026-03-02T12:00:00Z',
    updated_at: '2026-03-02T12:00:01Z',
  };
  expect(translateSquare(event('refund.updated', { refund }))).toEqual([
    {
      kind: 'refund',
      occurredAtMs: Date.parse('2026-03-02T12:00:01Z'),
      id: 'p1_r1',
      references: ['payment:p1'],
      status: canonical,
      amount: 250,
      currency: 'USD',
      reason: 'Broken',
    },
  ]);
});

test.each([
  ['EVIDENCE_REQUIRED', 'needs_response'],
  ['PROCESSING', 'under_review'],
  ['WON', 'won'],
  ['LOST', 'lost'],
  ['ACCEPTED', 'accepted'],
] as const)('a Square dispute in state %s is %s', (state, canonical) => {
  const dispute = {
    id: 'd1',
    state,
    amount_money: { amount: 1_250, currency: 'USD' },
    disputed_payment: { payment_id: 'p1' },
    reason: 'NO_KNOWLEDGE',
    created_at: '2026-03-03T12:00:00Z',
  };
  expect(translateSquare(event('dispute.state.updated', { dispute }))).toMatchObject([
    { kind: 'dispute', id: 'd1', references: ['payment:p1'], status: canonical, amount: 1_250 },
  ]);
});

test('an event about something else says nothing about payments', () => {
  expect(translateSquare(event('customer.created', { customer: { id: 'c' } }))).toEqual([]);
});

test('a status that Square does not document is a malformed event, which names the place and not the value', () => {
  expect(() => translateSquare(paymentEvent({ status: 'EVAPORATED' }))).toThrow(
    expect.objectContaining({
      code: 'malformed_event',
      message: expect.stringMatching(/data\.object\.payment\.status/),
    }),
  );
});

function paymentEvent(fields: Record<string, unknown>): Buffer {
  const payment = {
    id: 'p1',
    total_money: { amount: 1_250, currency: 'USD' },
    created_at: '2026-03-01T12:00:00.000Z',
    updated_at: '2026-03-01T12:00:05.500Z',
    ...fields,
  };
  return event('payment.updated', { payment });
}

function event(type: string, object: Record<string, unknown>): Buffer {
  return Buffer.from(JSON.stringify({ merchant_id: 'M', event_id: 'e', type, data: { type: 'x', id: 'x', object } }));
}
