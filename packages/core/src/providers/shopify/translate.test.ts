import { describe, expect, test } from 'vitest';
import type { PaymentFact } from '../../payment-event.ts';
import { translateShopify } from './translate.ts';

function translated(body: unknown): readonly PaymentFact[] {
  return translateShopify(Buffer.from(JSON.stringify(body)));
}

function order(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 450_789_469,
    admin_graphql_api_id: 'gid://shopify/Order/450789469',
    created_at: '2026-01-10T11:00:00-05:00',
    updated_at: '2026-01-10T11:05:00-05:00',
    currency: 'USD',
    total_price: '409.94',
    current_total_price: '409.94',
    total_outstanding: '0.00',
    financial_status: 'paid',
    ...overrides,
  };
}

const transaction = {
  id: 179_259_969,
  order_id: 450_789_469,
  kind: 'refund',
  status: 'success',
  amount: '41.94',
  currency: 'USD',
};

function refund(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 929_361_464,
    admin_graphql_api_id: 'gid://shopify/Refund/929361464',
    order_id: 450_789_469,
    created_at: '2026-01-14T10:34:55-05:00',
    processed_at: '2026-01-14T10:34:56-05:00',
    note: 'wrong size',
    transactions: [transaction],
    ...overrides,
  };
}

describe('an order', () => {
  test('that is paid is captured in whole, under its own id', () => {
    expect(translated(order({}))).toEqual([
      {
        kind: 'payment',
        occurredAtMs: Date.parse('2026-01-10T16:05:00Z'),
        references: ['payment:450789469'],
        status: 'captured',
        amount: 40_994,
        currency: 'USD',
        captured: { key: '450789469', amount: 40_994 },
      },
    ]);
  });

  test.each([
    ['pending', 'pending', undefined],
    ['authorized', 'authorized', undefined],
    ['partially_refunded', 'captured', { key: '450789469', amount: 40_994 }],
    ['refunded', 'captured', { key: '450789469', amount: 40_994 }],
    ['voided', 'canceled', undefined],
    ['expired', 'expired', undefined],
    [null, undefined, undefined],
  ])('at %s stands at %s', (financial_status, status, captured) => {
    expect(translated(order({ financial_status }))).toMatchObject([{ status, captured }]);
  });

  test('that is partly paid is captured by what is no longer outstanding, where it says', () => {
    const partly = { financial_status: 'partially_paid', total_outstanding: '109.90' };
    expect(translated(order(partly))).toMatchObject([
      { status: 'partially_captured', captured: { key: '450789469', amount: 30_004 } },
    ]);
    expect(translated(order({ ...partly, total_outstanding: null }))).toMatchObject([
      { status: 'partially_captured', captured: undefined },
    ]);
  });

  test('in yen is in yen', () => {
    expect(translated(order({ currency: 'JPY', total_price: '409' }))).toMatchObject([
      { amount: 409, currency: 'JPY' },
    ]);
  });

  test('keeps an id that no number holds', () => {
    expect(translated(order({ admin_graphql_api_id: 'gid://shopify/Order/820982911946154508' }))).toMatchObject([
      { references: ['payment:820982911946154508'] },
    ]);
  });
});

describe('a refund', () => {
  test('whose transaction succeeded has succeeded', () => {
    expect(translated(refund({}))).toEqual([
      {
        kind: 'refund',
        occurredAtMs: Date.parse('2026-01-14T15:34:56Z'),
        id: '929361464',
        references: ['payment:450789469'],
        status: 'succeeded',
        amount: 4194,
        currency: 'USD',
        reason: 'wrong size',
      },
    ]);
  });

  test.each([
    [['success', 'success'], 'succeeded', 8388],
    [['success', 'pending'], 'pending', 8388],
    [['success', 'failure'], 'succeeded', 4194],
    [['pending', 'error'], 'pending', 4194],
    [['failure', 'error'], 'failed', 8388],
    [['awaiting_response'], 'pending', 4194],
    [['unknown'], 'pending', 4194],
  ])('with transactions at %j is %s for %i', (statuses, status, amount) => {
    const transactions = statuses.map((each) => ({ ...transaction, status: each }));
    expect(translated(refund({ transactions }))).toMatchObject([{ status, amount }]);
  });

  test('without a refunding transaction moved no money', () => {
    expect(translated(refund({ transactions: [] }))).toEqual([]);
    expect(translated(refund({ transactions: [{ ...transaction, kind: 'void' }] }))).toEqual([]);
  });

  test('of an order whose id no number holds is malformed: it would name another order', () => {
    const body = JSON.stringify(refund({})).replace(
      '"order_id":450789469,"created_at"',
      '"order_id":820982911946154508,"created_at"',
    );
    expect(() => translateShopify(Buffer.from(body))).toThrow(expect.objectContaining({ code: 'malformed_event' }));
  });
});

test.each([
  { id: 1, admin_graphql_api_id: 'gid://shopify/Product/1' },
  { id: 1, admin_graphql_api_id: 'gid://shopify/DraftOrder/1' },
  { id: 1, financial_status: 'paid', total_price: '1.00', currency: 'USD' },
  { id: 1, admin_graphql_api_id: 1 },
])('%j says nothing', (body) => {
  expect(translated(body)).toEqual([]);
});

test.each([
  ['a financial status', order({ financial_status: 'new' }), 'malformed_event'],
  ['a number for an amount', order({ total_price: 409.94 }), 'malformed_event'],
  ['a fraction of a cent', order({ total_price: '409.941' }), 'malformed_amount'],
  ['an amount below zero', order({ total_price: '-1.00' }), 'malformed_event'],
  ['a transaction status', refund({ transactions: [{ ...transaction, status: 'new' }] }), 'malformed_event'],
  [
    'two currencies in one refund',
    refund({ transactions: [transaction, { ...transaction, currency: 'EUR' }] }),
    'malformed_event',
  ],
])('%s outside the documentation is malformed, never guessed', (_what, body, code) => {
  expect(() => translated(body)).toThrow(expect.objectContaining({ name: 'PermanentError', code }));
});
