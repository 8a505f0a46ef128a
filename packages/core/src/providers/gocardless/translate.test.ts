import { expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import type { PaymentFact } from '../../payment-event.ts';
import { translateGoCardless } from './translate.ts';

const occurredAtMs = Date.parse('2026-03-01T12:00:00.000Z');

test.each([
  ['created', { status: 'created' }],
  ['customer_approval_granted', { status: 'pending' }],
  ['customer_approval_denied', { status: 'failed', failureCode: 'test_cause' }],
  ['submitted', { status: 'pending' }],
  ['resubmission_requested', { status: 'pending' }],
  ['confirmed', { status: 'captured' }],
  ['paid_out', { status: 'captured' }],
  ['failed', { status: 'failed', failureCode: 'test_cause' }],
  ['late_failure_settled', { status: 'failed' }],
  ['cancelled', { status: 'canceled' }],
])('payments.%s says where the payment stands', (action, expected) => {
  expect(facts('payments', action, { payment: 'PM123' })).toEqual([
    { kind: 'payment', occurredAtMs, references: ['payment:PM123'], ...expected },
  ]);
});

test.each([
  ['charged_back', { status: 'lost', funds: 'withdrawn' }],
  ['chargeback_settled', { funds: 'withdrawn' }],
  ['chargeback_cancelled', { status: 'won', funds: 'reinstated' }],
])('payments.%s is a dispute of the payment', (action, expected) => {
  expect(facts('payments', action, { payment: 'PM123' })).toEqual([
    { kind: 'dispute', occurredAtMs, id: 'PM123', references: ['payment:PM123'], reason: 'test_cause', ...expected },
  ]);
});

test.each([
  ['created', 'pending'],
  ['paid', 'succeeded'],
  ['failed', 'failed'],
  ['funds_returned', 'failed'],
])('refunds.%s says where the refund stands', (action, status) => {
  expect(facts('refunds', action, { refund: 'RF123', payment: 'PM123' })).toEqual([
    { kind: 'refund', occurredAtMs, id: 'RF123', references: ['payment:PM123'], status },
  ]);
});

test('a refund of a mandate belongs to no payment', () => {
  expect(facts('refunds', 'paid', { refund: 'RF123', mandate: 'MD1' })).toMatchObject([{ references: [] }]);
});

test('payouts.paid says that the payout was paid', () => {
  expect(facts('payouts', 'paid', { payout: 'PO123' })).toEqual([
    { kind: 'payout', occurredAtMs, id: 'PO123', status: 'paid' },
  ]);
});

test.each([
  ['payments', 'surcharge_fee_debited'],
  ['payments', 'sds_settlement_delayed'],
  ['payments', 'an_action_of_tomorrow'],
  ['refunds', 'refund_settled'],
  ['payouts', 'fx_rate_confirmed'],
  ['payouts', 'tax_exchange_rates_confirmed'],
  ['mandates', 'active'],
  ['subscriptions', 'payment_created'],
  ['a_resource_of_tomorrow', 'failed'],
])('%s.%s says nothing about payments', (resourceType, action) => {
  expect(facts(resourceType, action, {})).toEqual([]);
});

test.each([
  ['payments', 'confirmed'],
  ['refunds', 'paid'],
  ['payouts', 'paid'],
])('%s.%s that does not say of which one is malformed', (resourceType, action) => {
  expect(() => facts(resourceType, action, {})).toThrow(expect.objectContaining({ code: 'malformed_event' }));
});

test('a payment that fails after it was collected is shown as a conflict', () => {
  const collected = facts('payments', 'paid_out', { payment: 'PM123' });
  const failed = facts('payments', 'failed', { payment: 'PM123' }, '2026-03-05T12:00:00.000Z');
  const family = foldPayment(
    [...collected, ...failed].map((fact, position) => ({ eventId: `EV${position}`, ordinal: 0, fact })),
  );
  expect(family.payment).toMatchObject({ status: 'captured', conflict: 'status_after_capture: failed' });
});

function facts(
  resourceType: string,
  action: string,
  links: Record<string, string>,
  createdAt = '2026-03-01T12:00:00.000Z',
): readonly PaymentFact[] {
  return translateGoCardless(
    Buffer.from(
      JSON.stringify({
        id: 'EV123',
        created_at: createdAt,
        resource_type: resourceType,
        action,
        links,
        details: { origin: 'bank', cause: 'test_cause' },
      }),
    ),
  );
}
