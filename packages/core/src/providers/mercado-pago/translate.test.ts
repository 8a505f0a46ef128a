import { expect, test } from 'vitest';
import { confirmsTo } from '../testing/confirmation.ts';
import { mercadoPago } from './provider.ts';
import { translateMercadoPagoAnswer } from './translate.ts';

const payment = {
  id: 1_320_894_723,
  status: 'approved',
  status_detail: 'accredited',
  currency_id: 'BRL',
  transaction_amount: 58.8,
  transaction_amount_refunded: 0,
  date_created: '2026-03-01T08:00:00.000-04:00',
  date_approved: '2026-03-01T08:00:05.000-04:00',
  date_last_updated: '2026-03-01T08:00:06.000-04:00',
  refunds: [],
};
const event = {
  eventId: 'payment.1320894723.bb56a2f1',
  type: 'payment',
  tier: 'partial',
  providerAccount: null,
  receivedAt: new Date(0),
  body: Buffer.from('{}'),
} as const;

confirmsTo({
  provider: mercadoPago,
  settings: { accessToken: 'APP_USR-access-token' },
  credential: 'accessToken',
  event,
  silent: { ...event, eventId: 'plan.1.x', type: 'plan' },
  asks: { path: '/v1/payments/1320894723', authorization: 'Bearer APP_USR-access-token' },
  answer: payment,
  otherAnswer: { ...payment, id: 1 },
  facts: [
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2026-03-01T12:00:06Z'),
      references: ['payment:1320894723'],
      status: 'captured',
      amount: 5_880,
      currency: 'BRL',
      captured: { key: '1320894723', amount: 5_880 },
      refundedTotal: 0,
    },
  ],
});

test.each([
  ['pending', 'pending_waiting_transfer', { status: 'pending' }],
  ['in_process', 'pending_review_manual', { status: 'pending' }],
  ['authorized', 'pending_capture', { status: 'authorized' }],
  ['rejected', 'cc_rejected_insufficient_amount', { status: 'failed', failureCode: 'cc_rejected_insufficient_amount' }],
  ['cancelled', 'expired', { status: 'expired' }],
  ['cancelled', 'by_collector', { status: 'canceled' }],
  ['refunded', 'refunded', { status: 'captured' }],
])('a payment that is %s (%s)', (status, status_detail, expected) => {
  expect(told({ status, status_detail })[0]).toMatchObject(expected);
});

test('refunds are told one by one, each by its own state', () => {
  const refunds = [
    { id: 1, amount: 10.1, status: 'approved', date_created: '2026-03-02T12:00:00Z' },
    { id: 2, amount: 5, status: 'in_process', date_created: '2026-03-03T12:00:00Z' },
  ];
  expect(told({ refunds, transaction_amount_refunded: 10.1 }).slice(1)).toMatchObject([
    { kind: 'refund', id: '1', status: 'succeeded', amount: 1_010 },
    { kind: 'refund', id: '2', status: 'pending', amount: 500 },
  ]);
});

test.each([
  ['in_mediation', 'pending', { status: 'needs_response', funds: 'withdrawn' }],
  ['charged_back', 'in_process', { status: 'under_review', funds: 'withdrawn' }],
  ['charged_back', 'settled', { status: 'lost', funds: 'withdrawn' }],
  ['charged_back', 'reimbursed', { status: 'won', funds: 'reinstated' }],
])('%s (%s) is a dispute of a captured payment', (status, status_detail, expected) => {
  expect(told({ status, status_detail })).toMatchObject([
    { kind: 'payment', status: 'captured' },
    { kind: 'dispute', id: 'dispute-1320894723', amount: 5_880, ...expected },
  ]);
});

function told(fields: Readonly<Record<string, unknown>>) {
  return translateMercadoPagoAnswer(event.body, Buffer.from(JSON.stringify({ ...payment, ...fields })));
}
