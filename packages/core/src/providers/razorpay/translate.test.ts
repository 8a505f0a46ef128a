import { describe, expect, test } from 'vitest';
import type { PaymentFact } from '../../payment-event.ts';
import { translateRazorpay } from './translate.ts';

const createdAt = 1_597_734_071;
const occurredAtMs = createdAt * 1000;

function translated(event: string, payload: unknown, created: unknown = createdAt): readonly PaymentFact[] {
  return translateRazorpay(
    Buffer.from(JSON.stringify({ entity: 'event', account_id: 'acc_1', event, payload, created_at: created })),
  );
}

function payment(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    payment: {
      entity: {
        id: 'pay_DESlfW9H8K9uqM',
        entity: 'payment',
        amount: 50_000,
        currency: 'INR',
        status: 'captured',
        order_id: 'order_DESlLckIVRkHWj',
        amount_refunded: 0,
        captured: true,
        error_code: null,
        error_reason: null,
        ...overrides,
      },
    },
  };
}

function refund(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    refund: {
      entity: {
        id: 'rfnd_FS8TWyPrCsa0OB',
        entity: 'refund',
        amount: 20_000,
        currency: 'INR',
        payment_id: 'pay_DESlfW9H8K9uqM',
        status: 'processed',
        ...overrides,
      },
    },
    ...payment({ amount_refunded: 20_000 }),
  };
}

function dispute(overrides: Record<string, unknown>): Record<string, unknown> {
  return {
    ...payment({}),
    dispute: {
      entity: {
        id: 'disp_AHfqOvkldwsbqt',
        entity: 'dispute',
        payment_id: 'pay_DESlfW9H8K9uqM',
        amount: 10_000,
        currency: 'INR',
        amount_deducted: 0,
        reason_code: 'goods_or_services_not_received',
        status: 'open',
        phase: 'chargeback',
        ...overrides,
      },
    },
  };
}

describe('a payment', () => {
  test('that was captured is captured once, under its own id, when the event says', () => {
    expect(translated('payment.captured', payment({}))).toEqual([
      {
        kind: 'payment',
        occurredAtMs,
        references: ['payment:pay_DESlfW9H8K9uqM'],
        status: 'captured',
        amount: 50_000,
        currency: 'INR',
        captured: { key: 'pay_DESlfW9H8K9uqM', amount: 50_000 },
        refundedTotal: 0,
      },
    ]);
  });

  test('that failed says why', () => {
    const entity = {
      status: 'failed',
      captured: false,
      error_code: 'BAD_REQUEST_ERROR',
      error_reason: 'payment_failed',
    };
    const [fact] = translated('payment.failed', payment(entity));
    expect(fact).toMatchObject({ status: 'failed', failureCode: 'payment_failed', captured: undefined });
  });

  test.each([
    ['payment.pending', 'pending', false, 'pending'],
    ['payment.authorized', 'created', false, 'created'],
    ['payment.authorized', 'authorized', false, 'authorized'],
    ['payment.captured', 'refunded', true, 'captured'],
    ['payment.authorized', 'refunded', false, 'canceled'],
  ])('in %s stands where its snapshot does: %s with captured %j is %s', (event, status, captured, expected) => {
    expect(translated(event, payment({ status, captured }))).toMatchObject([{ status: expected }]);
  });

  test.each([
    ['JPY', 295],
    ['KWD', 295_990],
  ])('in %s keeps the minor units it came in', (currency, amount) => {
    expect(translated('payment.captured', payment({ currency, amount }))).toMatchObject([{ currency, amount }]);
  });
});

test.each([
  ['refund.created', 'pending', 'pending'],
  ['refund.created', 'processed', 'succeeded'],
  ['refund.speed_changed', 'pending', 'pending'],
  ['refund.processed', 'processed', 'succeeded'],
  ['refund.failed', 'failed', 'failed'],
])('a refund in %s at %s is %s, and the payment beside it says nothing', (event, status, expected) => {
  expect(translated(event, refund({ status }))).toEqual([
    {
      kind: 'refund',
      occurredAtMs,
      id: 'rfnd_FS8TWyPrCsa0OB',
      references: ['payment:pay_DESlfW9H8K9uqM'],
      status: expected,
      amount: 20_000,
      currency: 'INR',
    },
  ]);
});

describe('a dispute', () => {
  test.each([
    ['created', { status: 'open' }, { status: 'needs_response', funds: undefined }],
    ['created', { status: 'open', phase: 'fraud' }, { status: 'inquiry' }],
    ['created', { status: 'open', phase: 'retrieval' }, { status: 'inquiry' }],
    ['created', { status: 'open', phase: 'pre_arbitration' }, { status: 'needs_response' }],
    ['action_required', { status: 'open' }, { status: 'needs_response' }],
    ['under_review', { status: 'under_review' }, { status: 'under_review' }],
    ['won', { status: 'won' }, { status: 'won', funds: undefined }],
    ['lost', { status: 'lost', amount_deducted: 10_000 }, { status: 'lost', funds: 'withdrawn' }],
    ['closed', { status: 'closed', phase: 'fraud' }, { status: 'canceled' }],
  ])('in payment.dispute.%s with %j stands so', (event, entity, expected) => {
    expect(translated(`payment.dispute.${event}`, dispute(entity))).toMatchObject([
      {
        kind: 'dispute',
        id: 'disp_AHfqOvkldwsbqt',
        references: ['payment:pay_DESlfW9H8K9uqM'],
        amount: 10_000,
        reason: 'goods_or_services_not_received',
        ...expected,
      },
    ]);
  });
});

test.each(['order.paid', 'subscription.charged', 'payment.of_the_future'])('%s says nothing', (event) => {
  expect(translated(event, null, null)).toEqual([]);
  expect(translateRazorpay(Buffer.from(JSON.stringify({ event })))).toEqual([]);
});

test.each([
  ['a payment status', 'payment.captured', payment({ status: 'new' })],
  ['a refund status', 'refund.processed', refund({ status: 'new' })],
  ['a dispute status', 'payment.dispute.won', dispute({ status: 'new' })],
  ['a fraction', 'payment.captured', payment({ amount: 1.5 })],
  ['an amount below zero', 'payment.captured', payment({ amount: -1 })],
  ['a payload without the entity', 'refund.processed', payment({})],
  ['no payload', 'payment.captured', null],
])('%s outside the documentation is malformed, never guessed', (_what, event, payload) => {
  expect(() => translated(event, payload)).toThrow(expect.objectContaining({ code: 'malformed_event' }));
});

test('a payment event without a time is malformed, for facts are ordered by it', () => {
  expect(() => translated('payment.captured', payment({}), null)).toThrow(
    expect.objectContaining({ code: 'malformed_event' }),
  );
});
