import { describe, expect, it } from 'vitest';
import { created, references, translate, intent, charge, refund, dispute } from './fixtures/events.ts';
import resources from './fixtures/resources.json' with { type: 'json' };

describe("Stripe's published resources", () => {
  it.each([
    [
      'payment_intent.created',
      resources.payment_intent,
      {
        kind: 'payment',
        references: [`payment_intent:${resources.payment_intent.id}`],
        status: 'created',
        amount: 1099,
        currency: 'USD',
      },
    ],
    [
      'charge.succeeded',
      resources.charge,
      {
        kind: 'payment',
        references: [`charge:${resources.charge.id}`],
        status: 'authorized',
        amount: 100,
        currency: 'USD',
        refundedTotal: 0,
      },
    ],
    [
      'refund.created',
      resources.refund,
      {
        kind: 'refund',
        id: resources.refund.id,
        references: [`charge:${resources.charge.id}`],
        status: 'succeeded',
        amount: 100,
        currency: 'USD',
      },
    ],
    [
      'charge.dispute.created',
      resources.dispute,
      {
        kind: 'dispute',
        id: resources.dispute.id,
        references: [`charge:${resources.charge.id}`],
        status: 'inquiry',
        amount: 1000,
        currency: 'USD',
        reason: 'general',
      },
    ],
    [
      'payout.updated',
      resources.payout,
      { kind: 'payout', id: resources.payout.id, status: 'in_transit', amount: 1100, currency: 'USD' },
    ],
  ])('%s states one fact, at the second the event was made', (type, object, fact) => {
    expect(translate(type, object)).toEqual([{ occurredAtMs: created * 1000, ...fact }]);
  });
});

describe('a payment intent', () => {
  it.each([
    ['payment_intent.requires_action', {}, 'requires_action'],
    ['payment_intent.processing', {}, 'pending'],
    ['payment_intent.partially_funded', {}, 'pending'],
    ['payment_intent.amount_capturable_updated', { amount_capturable: 1099 }, 'authorized'],
    [
      'payment_intent.amount_capturable_updated',
      { amount_capturable: 99, amount_received: 1000 },
      'partially_captured',
    ],
    ['payment_intent.amount_capturable_updated', { amount_capturable: 0 }, undefined],
    ['payment_intent.succeeded', { amount_received: 1099 }, 'captured'],
    ['payment_intent.succeeded', { amount_received: 1000 }, 'partially_captured'],
    ['payment_intent.payment_failed', {}, 'failed'],
    ['payment_intent.canceled', { cancellation_reason: 'requested_by_customer' }, 'canceled'],
    ['payment_intent.canceled', { cancellation_reason: 'automatic' }, 'expired'],
    ['payment_intent.canceled', { cancellation_reason: 'expired' }, 'expired'],
  ])('%s with %j is %s', (type, said, status) => {
    const [fact] = translate(type, intent(said));
    expect(fact).toMatchObject({ kind: 'payment', references, amount: 1099 });
    expect(fact).toHaveProperty('status', status);
  });

  it('says what was captured under one key for all of Stripe', () => {
    expect(translate('payment_intent.succeeded', intent({ amount_received: 1000 }))).toMatchObject([
      { captured: { key: 'total', amount: 1000 } },
    ]);
    expect(translate('charge.captured', charge({ captured: true, amount_captured: 600 }))).toMatchObject([
      { captured: { key: 'total', amount: 600 } },
    ]);
  });

  it('says why an attempt failed, by the code the charge also has', () => {
    expect(
      translate(
        'payment_intent.payment_failed',
        intent({ last_payment_error: { code: 'card_declined', decline_code: 'insufficient_funds' } }),
      ),
    ).toMatchObject([{ failureCode: 'card_declined' }]);
    expect(
      translate(
        'payment_intent.payment_failed',
        intent({ last_payment_error: { decline_code: 'insufficient_funds' } }),
      ),
    ).toMatchObject([{ failureCode: 'insufficient_funds' }]);
    expect(translate('charge.failed', charge({ status: 'failed', failure_code: 'card_declined' }))).toMatchObject([
      { status: 'failed', failureCode: 'card_declined' },
    ]);
  });

  it('finds its charge expanded, as an id, or not at all', () => {
    expect(
      translate('payment_intent.created', intent({ latest_charge: { id: 'ch_1', object: 'charge' } })),
    ).toMatchObject([{ references }]);
    expect(translate('payment_intent.created', intent({ latest_charge: null }))).toMatchObject([
      { references: ['payment_intent:pi_1'] },
    ]);
    expect(
      translate('charge.succeeded', charge({ payment_intent: { id: 'pi_1', object: 'payment_intent' } })),
    ).toMatchObject([{ references }]);
  });

  it('is counted in ISO 4217 minor units', () => {
    expect(translate('payment_intent.created', intent({ amount: 500, currency: 'isk' }))).toMatchObject([
      { amount: 5, currency: 'ISK' },
    ]);
    expect(() => translate('payment_intent.created', intent({ amount: 550, currency: 'isk' }))).toThrow(
      expect.objectContaining({ code: 'malformed_amount' }),
    );
  });
});

describe('a charge', () => {
  const capturedCharge = { captured: true, amount_captured: 1000 };

  it.each([
    ['charge.succeeded', {}, 'authorized'],
    ['charge.succeeded', capturedCharge, 'captured'],
    ['charge.captured', { captured: true, amount_captured: 600 }, 'partially_captured'],
    ['charge.pending', { status: 'pending', captured: true }, 'pending'],
    ['charge.expired', {}, 'expired'],
    ['charge.refunded', { ...capturedCharge, amount_refunded: 300 }, 'captured'],
    ['charge.refunded', { amount_refunded: 1000, refunded: true }, undefined],
    ['charge.updated', capturedCharge, 'captured'],
    ['charge.updated', {}, 'authorized'],
    ['charge.updated', { refunded: true, amount_refunded: 1000 }, undefined],
  ])('%s with %j is %s', (type, said, status) => {
    const [fact] = translate(type, charge(said));
    expect(fact).toMatchObject({ kind: 'payment', references });
    expect(fact).toHaveProperty('status', status);
  });

  it('has captured nothing while a bank debit is pending, though Stripe says captured', () => {
    expect(translate('charge.pending', charge({ status: 'pending', ...capturedCharge }))).not.toHaveProperty(
      '0.captured.amount',
    );
  });

  it('counts as refunded only what had been captured, not what was released', () => {
    expect(translate('charge.refunded', charge({ ...capturedCharge, amount_refunded: 300 }))).toMatchObject([
      { refundedTotal: 300 },
    ]);
    expect(
      translate('charge.captured', charge({ captured: true, amount_captured: 600, amount_refunded: 400 })),
    ).toMatchObject([{ refundedTotal: 0 }]);
    expect(
      translate('charge.refunded', charge({ captured: true, amount_captured: 600, amount_refunded: 500 })),
    ).toMatchObject([{ refundedTotal: 100 }]);
    expect(translate('charge.refunded', charge({ amount_refunded: 1000, refunded: true }))).toMatchObject([
      { refundedTotal: 0 },
    ]);
  });

  it('states the refunds it lists, as API versions before 2022-11-15 do', () => {
    const listed = {
      data: [refund({ charge: undefined, payment_intent: undefined }), refund({ id: 're_2', status: 'pending' })],
    };
    expect(
      translate('charge.refunded', charge({ ...capturedCharge, amount_refunded: 200, refunds: listed })),
    ).toMatchObject([
      { kind: 'payment' },
      { kind: 'refund', id: 're_1', references, status: 'succeeded', amount: 100 },
      { kind: 'refund', id: 're_2', references, status: 'pending' },
    ]);
    expect(
      translate(
        'charge.captured',
        charge({ captured: true, amount_captured: 600, amount_refunded: 400, refunds: listed }),
      ),
    ).toHaveLength(1);
  });

  it('says nothing when only a failed attempt is updated', () => {
    expect(translate('charge.updated', charge({ status: 'failed' }))).toEqual([]);
  });
});

describe('a refund', () => {
  it.each(['refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated'])(
    '%s is told by its own status',
    (type) => {
      expect(
        translate(type, refund({ status: 'failed', failure_reason: 'expired_or_canceled_card', reason: 'duplicate' })),
      ).toMatchObject([{ id: 're_1', status: 'failed', reason: 'expired_or_canceled_card', references }]);
      expect(translate(type, refund({ status: null }))).toMatchObject([{ status: 'pending' }]);
    },
  );
});

describe('a dispute', () => {
  it.each([
    ['warning_under_review', 'inquiry'],
    ['warning_closed', 'canceled'],
    ['needs_response', 'needs_response'],
    ['under_review', 'under_review'],
    ['won', 'won'],
    ['lost', 'lost'],
    ['prevented', 'prevented'],
  ])('%s is %s', (status, canonical) => {
    expect(translate('charge.dispute.updated', dispute({ status }))).toMatchObject([
      { kind: 'dispute', status: canonical, references },
    ]);
  });

  it('moves its funds without saying where it stands, until they come back', () => {
    expect(translate('charge.dispute.funds_withdrawn', dispute({ status: 'needs_response' }))).toMatchObject([
      { status: undefined, funds: 'withdrawn' },
    ]);
    expect(translate('charge.dispute.funds_reinstated', dispute({ status: 'won' }))).toMatchObject([
      { status: 'won', funds: 'reinstated' },
    ]);
  });
});

describe('a payout', () => {
  it.each([
    ['payout.created', 'pending'],
    ['payout.paid', 'paid'],
    ['payout.failed', 'failed'],
    ['payout.canceled', 'canceled'],
  ])('%s is %s', (type, status) => {
    expect(translate(type, { ...resources.payout, failure_code: 'account_closed' })).toMatchObject([
      { kind: 'payout', status, amount: 1100, failureCode: 'account_closed' },
    ]);
  });

  it('gives a reason that Postgres can store', () => {
    const failure_code = `\0${'x'.repeat(253)}\u{1F4B8}`;
    expect(translate('payout.failed', { ...resources.payout, failure_code })).toMatchObject([
      { failureCode: `\uFFFD${'x'.repeat(253)}\uFFFD` },
    ]);
  });

  it('has no amount where money is taken from the account', () => {
    expect(translate('payout.paid', { ...resources.payout, amount: -500 })).toMatchObject([
      { amount: undefined, currency: 'USD' },
    ]);
  });
});
