import { describe, expect, test } from 'vitest';
import type { PaymentFact } from '../../payment-event.ts';
import { foldPayment } from '../../payment.ts';
import { translatePaddle } from './translate.ts';

const occurredAt = '2026-04-12T10:18:50.155553Z';
const occurredAtMs = Date.parse(occurredAt);

function translated(type: string, data: unknown): readonly PaymentFact[] {
  return translatePaddle(
    Buffer.from(JSON.stringify({ event_id: 'evt_1', event_type: type, occurred_at: occurredAt, data })),
  );
}

const attempt = { payment_attempt_id: 'a1', amount: '65215', created_at: '2026-04-12T10:18:33.579142Z' };

function transaction(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'txn_01',
    status: 'completed',
    currency_code: 'USD',
    details: { totals: { total: '65215', grand_total: '65215', balance: '0', currency_code: 'USD' } },
    payments: [],
    ...overrides,
  };
}

function adjustment(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'adj_01',
    action: 'refund',
    type: 'partial',
    transaction_id: 'txn_01',
    reason: 'error',
    currency_code: 'USD',
    status: 'pending_approval',
    totals: { subtotal: '92', tax: '8', total: '100', currency_code: 'USD' },
    ...overrides,
  };
}

describe('a transaction', () => {
  test('that is paid or completed is captured once, under its own id', () => {
    const paid = translated('transaction.paid', transaction({ status: 'paid' }));
    const completed = translated('transaction.completed', transaction({}));
    expect(paid).toEqual([
      {
        kind: 'payment',
        occurredAtMs,
        references: ['payment:txn_01'],
        status: 'captured',
        amount: 65_215,
        currency: 'USD',
        captured: { key: 'txn_01', amount: 65_215 },
      },
    ]);
    expect(completed).toEqual(paid);
  });

  test('in yen is in yen', () => {
    const details = { totals: { grand_total: '100' } };
    expect(translated('transaction.paid', transaction({ currency_code: 'JPY', details }))).toMatchObject([
      { amount: 100, currency: 'JPY' },
    ]);
  });

  test('whose payment failed is failed, with the code of the latest attempt in whatever order they come', () => {
    const payments = [
      { ...attempt, status: 'error', error_code: 'expired_card', created_at: '2026-04-12T09:00:00Z' },
      { ...attempt, status: 'error', error_code: 'declined' },
    ];
    expect(translated('transaction.payment_failed', transaction({ status: 'ready', payments }))).toMatchObject([
      { status: 'failed', failureCode: 'declined' },
    ]);
    expect(
      translated('transaction.updated', transaction({ status: 'past_due', payments: payments.toReversed() })),
    ).toMatchObject([{ status: 'failed', failureCode: 'declined' }]);
  });

  test.each([
    ['draft', [], 'created'],
    ['ready', [], 'created'],
    ['billed', [], 'pending'],
    ['past_due', [], 'failed'],
    ['canceled', [], 'canceled'],
    ['ready', ['authorized_flagged'], 'authorized'],
    ['ready', ['action_required'], 'requires_action'],
    ['ready', ['captured'], 'pending'],
    ['ready', ['unknown'], 'created'],
    ['past_due', ['pending_no_action_required'], 'pending'],
    ['paid', ['error'], 'captured'],
    ['canceled', ['error'], 'canceled'],
  ])('at %s with attempts %j stands at %s', (status, attempts, expected) => {
    const payments = attempts.map((each) => ({ ...attempt, status: each }));
    expect(translated('transaction.updated', transaction({ status, payments }))).toMatchObject([{ status: expected }]);
  });

  test.each(['', '-1', '1.5', '1e3', '0x10', ' 1', '9'.repeat(16)])('with %j for an amount is malformed', (total) => {
    const details = { totals: { grand_total: total } };
    expect(() => translated('transaction.paid', transaction({ details }))).toThrow(
      expect.objectContaining({ code: 'malformed_event' }),
    );
  });

  test('without totals names no amount', () => {
    const [fact] = translated('transaction.created', transaction({ status: 'draft', details: null }));
    expect(fact).toMatchObject({ amount: undefined, captured: undefined });
  });
});

describe('a refund', () => {
  test.each([
    ['adjustment.created', 'pending_approval', 'pending'],
    ['adjustment.created', 'approved', 'succeeded'],
    ['adjustment.updated', 'approved', 'succeeded'],
    ['adjustment.updated', 'rejected', 'failed'],
    ['adjustment.updated', 'reversed', 'reversed'],
  ])('of %s at %s is %s', (type, status, expected) => {
    expect(translated(type, adjustment({ status }))).toEqual([
      {
        kind: 'refund',
        occurredAtMs,
        id: 'adj_01',
        references: ['payment:txn_01'],
        status: expected,
        amount: 100,
        currency: 'USD',
        reason: 'error',
      },
    ]);
  });
});

describe('a chargeback', () => {
  test.each([
    ['chargeback_warning', 'approved', { status: 'inquiry' }],
    ['chargeback_warning', 'reversed', { status: 'canceled' }],
    ['chargeback_warning_reverse', 'approved', { status: 'canceled' }],
    ['chargeback', 'approved', { status: 'lost', funds: 'withdrawn' }],
    ['chargeback', 'reversed', { status: 'won', funds: 'reinstated' }],
    ['chargeback_reverse', 'approved', { status: 'won', funds: 'reinstated' }],
  ])('%s at %s is a fact about the dispute of its transaction', (action, status, expected) => {
    expect(translated('adjustment.created', adjustment({ id: `adj_${action}`, action, status }))).toMatchObject([
      { kind: 'dispute', id: 'txn_01', references: ['payment:txn_01'], amount: 100, ...expected },
    ]);
  });

  test('and its reversal come to one dispute, won, in whatever order they arrive', () => {
    const facts = ['chargeback', 'chargeback_reverse'].flatMap((action, day) =>
      translatePaddle(
        Buffer.from(
          JSON.stringify({
            event_type: 'adjustment.created',
            occurred_at: `2026-04-1${day}T00:00:00Z`,
            data: adjustment({ id: `adj_${action}`, action, status: 'approved' }),
          }),
        ),
      ).map((fact) => ({ eventId: `evt_${day}`, ordinal: 0, fact })),
    );
    for (const arrived of [facts, facts.toReversed()]) {
      expect(foldPayment(arrived)).toMatchObject({
        payment: { id: 'txn_01', disputeState: 'won' },
        disputes: [{ status: 'won', funds: 'reinstated', amount: 100 }],
      });
    }
  });

  test('that awaits approval contradicts the documentation and is seen', () => {
    expect(() => translated('adjustment.created', adjustment({ action: 'chargeback' }))).toThrow(
      expect.objectContaining({ code: 'malformed_event' }),
    );
  });
});

test.each(['credit', 'credit_reverse'])('a %s moves no money', (action) => {
  expect(translated('adjustment.created', adjustment({ action, status: 'approved' }))).toEqual([]);
});

test.each(['subscription.created', 'payout.paid', 'transaction.of_the_future'])('%s says nothing', (type) => {
  expect(translated(type, null)).toEqual([]);
  expect(translated(type, undefined)).toEqual([]);
});

test.each([
  ['a status', 'transaction.updated', transaction({ status: 'new' })],
  ['an attempt', 'transaction.updated', transaction({ payments: [{ ...attempt, status: 'new' }] })],
  ['a fraction', 'transaction.paid', transaction({ details: { totals: { grand_total: '1.5' } } })],
  ['a number', 'transaction.paid', transaction({ details: { totals: { grand_total: 65_215 } } })],
  ['an action', 'adjustment.created', adjustment({ action: 'new' })],
  ['an adjustment status', 'adjustment.created', adjustment({ status: 'new' })],
  ['an identifier', 'transaction.paid', transaction({ id: 'txn 01' })],
])('%s outside the documentation is malformed, never guessed', (_what, type, data) => {
  expect(() => translated(type, data)).toThrow(expect.objectContaining({ code: 'malformed_event' }));
});
