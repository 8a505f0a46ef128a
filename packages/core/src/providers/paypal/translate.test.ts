import { describe, expect, it } from 'vitest';
import {
  authorization,
  capture,
  dispute,
  event,
  eventTimeMs,
  link,
  occurredAtMs,
  payoutItem,
  refund,
  sale,
  times,
  usd,
} from './fixtures/translate-resources.ts';
import { translatePayPal } from './translate.ts';

const translate = (type: string, resource: unknown) => translatePayPal(event(type, resource));

describe('a capture', () => {
  const references = ['capture:CAP1', 'authorization:AUTH1', 'order:ORD1'];

  it('completed takes money under its own id, at the time it was last updated', () => {
    expect(translate('PAYMENT.CAPTURE.COMPLETED', capture())).toEqual([
      {
        kind: 'payment',
        occurredAtMs,
        references,
        status: 'captured',
        currency: 'USD',
        captured: { key: 'CAP1', amount: 3000 },
      },
    ]);
  });

  it.each([
    ['PAYMENT.CAPTURE.PENDING', 'pending', undefined],
    ['PAYMENT.CAPTURE.DECLINED', 'failed', 'UNILATERAL'],
    ['PAYMENT.CAPTURE.DENIED', 'failed', 'UNILATERAL'],
  ])('%s is %s and takes nothing', (type, status, failureCode) => {
    const [fact] = translate(type, capture({ status_details: { reason: 'UNILATERAL' } }));
    expect(fact).toMatchObject({ references, status });
    expect(fact).toHaveProperty('captured', undefined);
    expect(fact).toHaveProperty('failureCode', failureCode);
  });

  it('finds its order by link where the related ids are missing', () => {
    expect(
      translate(
        'PAYMENT.CAPTURE.COMPLETED',
        capture({ supplementary_data: null, links: [link('up', '/v2/checkout/orders/ORD1')] }),
      ),
    ).toMatchObject([{ references: ['capture:CAP1', 'order:ORD1'] }]);
  });

  it('falls back to older times', () => {
    expect(translate('PAYMENT.CAPTURE.COMPLETED', capture({ update_time: undefined }))).toMatchObject([
      { occurredAtMs: Date.parse(times.create_time) },
    ]);
    expect(
      translate('PAYMENT.CAPTURE.COMPLETED', capture({ update_time: undefined, create_time: null })),
    ).toMatchObject([{ occurredAtMs: eventTimeMs }]);
  });

  it('is counted in minor units of currencies PayPal writes without decimals', () => {
    expect(
      translate('PAYMENT.CAPTURE.COMPLETED', capture({ amount: { currency_code: 'HUF', value: '100' } })),
    ).toMatchObject([{ captured: { amount: 10_000 } }]);
    expect(
      translate('PAYMENT.CAPTURE.COMPLETED', capture({ amount: { currency_code: 'JPY', value: '100' } })),
    ).toMatchObject([{ captured: { amount: 100 } }]);
  });
});

describe('an authorization', () => {
  it.each([
    ['CREATED', 'authorized'],
    ['PENDING', 'pending'],
    ['DENIED', 'failed'],
    ['PARTIALLY_CAPTURED', 'partially_captured'],
    ['CAPTURED', 'captured'],
  ])('made with status %s is %s, for its whole amount', (status, canonical) => {
    expect(translate('PAYMENT.AUTHORIZATION.CREATED', authorization({ status }))).toMatchObject([
      { status: canonical, amount: 10_000, currency: 'USD', references: ['authorization:AUTH1', 'order:ORD1'] },
    ]);
  });

  it('voided is canceled', () => {
    expect(translate('PAYMENT.AUTHORIZATION.VOIDED', authorization({ status: 'VOIDED' }))).toMatchObject([
      { status: 'canceled' },
    ]);
  });
});

describe('an order', () => {
  const order = (said: object = {}) => ({
    id: 'ORD1',
    ...times,
    intent: 'CAPTURE',
    purchase_units: [{ amount: usd('10.5') }, { amount: usd('19.50') }],
    ...said,
  });

  it('approved is for the sum of its units, and not yet paid', () => {
    expect(translate('CHECKOUT.ORDER.APPROVED', order())).toEqual([
      { kind: 'payment', occurredAtMs, references: ['order:ORD1'], status: 'created', amount: 3000, currency: 'USD' },
    ]);
  });

  it('names no amount where its units differ in currency', () => {
    expect(
      translate(
        'CHECKOUT.ORDER.APPROVED',
        order({ purchase_units: [{ amount: usd('1') }, { amount: { currency_code: 'EUR', value: '1' } }] }),
      ),
    ).not.toHaveProperty('0.amount');
  });

  it('completed states the payments it lists, and no status of its own', () => {
    const units = [
      {
        amount: usd('30.00'),
        payments: {
          captures: [capture({ supplementary_data: undefined, links: [] }), capture({ id: 'CAP2', status: 'PENDING' })],
          authorizations: [authorization({ status: 'CAPTURED', links: [] })],
        },
      },
    ];
    expect(translate('CHECKOUT.ORDER.COMPLETED', order({ purchase_units: units }))).toMatchObject([
      { references: ['order:ORD1'], status: undefined, amount: 3000 },
      { references: ['authorization:AUTH1', 'order:ORD1'], status: 'captured', amount: 10_000 },
      { references: ['capture:CAP1', 'order:ORD1'], status: 'captured', captured: { key: 'CAP1', amount: 3000 } },
      { references: ['capture:CAP2', 'authorization:AUTH1', 'order:ORD1'], status: 'pending' },
    ]);
  });

  it('whose approval is reversed is canceled', () => {
    expect(
      translate('CHECKOUT.PAYMENT-APPROVAL.REVERSED', { order_id: 'ORD1', purchase_units: [{ amount: usd('1.00') }] }),
    ).toMatchObject([{ references: ['order:ORD1'], status: 'canceled', occurredAtMs: eventTimeMs }]);
  });
});

describe('a refund', () => {
  it('of a capture is told with the running total of that capture', () => {
    expect(translate('PAYMENT.CAPTURE.REFUNDED', refund())).toEqual([
      {
        kind: 'refund',
        occurredAtMs,
        id: 'REF1',
        references: ['capture:CAP1'],
        status: 'succeeded',
        amount: 99,
        currency: 'USD',
      },
      { kind: 'payment', occurredAtMs, references: ['capture:CAP1'], currency: 'USD', refundedTotal: 198 },
    ]);
  });

  it.each([
    ['PENDING', 'pending'],
    ['FAILED', 'failed'],
    ['CANCELLED', 'canceled'],
  ])('with status %s is %s and adds to no total', (status, canonical) => {
    for (const type of ['PAYMENT.CAPTURE.REFUNDED', 'PAYMENT.REFUND.PENDING', 'PAYMENT.REFUND.FAILED'])
      expect(translate(type, refund({ status }))).toMatchObject([{ kind: 'refund', status: canonical }]);
  });

  it('without a status is what its event is called', () => {
    expect(translate('PAYMENT.REFUND.FAILED', refund({ status: undefined }))).toMatchObject([{ status: 'failed' }]);
  });

  it('of a v1 sale finds the sale, and its negative amount is money given back', () => {
    const resource = {
      id: 'REF1',
      ...times,
      state: 'completed',
      amount: { total: '-0.01', currency: 'USD' },
      sale_id: 'SALE1',
      parent_payment: 'PAY-1',
      links: [link('sale', '/v1/payments/sale/SALE1')],
    };
    expect(translate('PAYMENT.SALE.REFUNDED', resource)).toEqual([
      {
        kind: 'refund',
        occurredAtMs,
        id: 'REF1',
        references: ['sale:SALE1'],
        status: 'succeeded',
        amount: 1,
        currency: 'USD',
      },
    ]);
  });
});

describe('a reversal', () => {
  it('of a capture is a dispute lost, its funds withdrawn', () => {
    expect(translate('PAYMENT.CAPTURE.REVERSED', refund({ id: 'REV1', amount: usd('2.51') }))).toEqual([
      {
        kind: 'dispute',
        occurredAtMs,
        id: 'REV1',
        references: ['capture:CAP1'],
        status: 'lost',
        funds: 'withdrawn',
        amount: 251,
        currency: 'USD',
        reason: 'reversed',
      },
    ]);
  });

  it('of a v1 sale that names no parent goes by its own id', () => {
    expect(translate('PAYMENT.SALE.REVERSED', sale({ amount: { total: '-0.49', currency: 'USD' } }))).toMatchObject([
      { id: 'SALE1', references: ['sale:SALE1'], amount: 49 },
    ]);
    expect(translate('PAYMENT.SALE.REVERSED', sale({ id: 'REV1', sale_id: 'SALE1' }))).toMatchObject([
      { id: 'REV1', references: ['sale:SALE1'] },
    ]);
  });
});

describe('a v1 sale', () => {
  it.each([
    ['PAYMENT.SALE.COMPLETED', 'captured', { key: 'SALE1', amount: 48 }],
    ['PAYMENT.SALE.PENDING', 'pending', undefined],
    ['PAYMENT.SALE.DENIED', 'failed', undefined],
  ])('%s is %s, a whole payment without its parent', (type, status, captured) => {
    const [fact] = translate(type, sale());
    expect(fact).toMatchObject({ references: ['sale:SALE1'], status, amount: 48, currency: 'USD' });
    expect(fact).toHaveProperty('captured', captured);
  });
});

describe('a dispute', () => {
  it('is told with the transaction it is about, which may be a capture or a sale', () => {
    expect(translate('CUSTOMER.DISPUTE.CREATED', dispute())).toEqual([
      {
        kind: 'dispute',
        occurredAtMs,
        id: 'PP-D-1',
        references: ['capture:CAP1', 'sale:CAP1'],
        status: 'needs_response',
        amount: 3000,
        currency: 'USD',
        reason: 'UNAUTHORISED',
      },
    ]);
  });

  it('about several transactions does not join their payments', () => {
    const facts = translate(
      'CUSTOMER.DISPUTE.CREATED',
      dispute({ disputed_transactions: [{ seller_transaction_id: 'A' }, { seller_transaction_id: 'B' }] }),
    );
    expect(facts).toMatchObject([{ references: ['capture:A', 'sale:A'] }, { references: ['capture:B', 'sale:B'] }]);
  });

  it.each([
    ['WAITING_FOR_SELLER_RESPONSE', 'needs_response'],
    ['WAITING_FOR_BUYER_RESPONSE', 'under_review'],
    ['UNDER_REVIEW', 'under_review'],
    ['OTHER', undefined],
    ['RESOLVED', undefined],
  ])('updated to %s is %s', (status, canonical) => {
    expect(translate('CUSTOMER.DISPUTE.UPDATED', dispute({ status }))[0]).toHaveProperty('status', canonical);
  });

  it.each([
    ['RESOLVED_BUYER_FAVOUR', 'lost'],
    ['RESOLVED_SELLER_FAVOUR', 'won'],
    ['RESOLVED_WITH_PAYOUT', 'won'],
    ['CANCELED_BY_BUYER', 'canceled'],
    ['ACCEPTED', 'accepted'],
    ['DENIED', 'won'],
    ['NONE', 'canceled'],
  ])('resolved as %s is %s', (outcome_code, status) => {
    expect(
      translate('CUSTOMER.DISPUTE.RESOLVED', dispute({ status: 'RESOLVED', dispute_outcome: { outcome_code } })),
    ).toMatchObject([{ status }]);
  });

  it('that is open again is not told by its old outcome', () => {
    expect(
      translate(
        'CUSTOMER.DISPUTE.UPDATED',
        dispute({ status: 'UNDER_REVIEW', dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' } }),
      ),
    ).toMatchObject([{ status: 'under_review' }]);
  });

  it('of the deprecated kind names one payment', () => {
    const resource = {
      dispute_id: 'PP-000-1',
      dispute_amount: { currency: 'USD', value: '1001' },
      seller_payment_id: 'CAP1',
      dispute_status: 1000,
    };
    expect(translate('RISK.DISPUTE.CREATED', resource)).toMatchObject([
      {
        id: 'PP-000-1',
        references: ['capture:CAP1', 'sale:CAP1'],
        status: 'needs_response',
        amount: 100_100,
        occurredAtMs: eventTimeMs,
      },
    ]);
  });
});

describe('a payout item', () => {
  it.each([
    ['SUCCEEDED', 'paid'],
    ['FAILED', 'failed'],
    ['DENIED', 'failed'],
    ['BLOCKED', 'failed'],
    ['HELD', 'held'],
    ['UNCLAIMED', 'unclaimed'],
    ['RETURNED', 'returned'],
    ['REFUNDED', 'returned'],
    ['CANCELED', 'canceled'],
  ])('%s is %s, at the time of the event', (name, status) => {
    expect(translate(`PAYMENT.PAYOUTS-ITEM.${name}`, payoutItem)).toEqual([
      {
        kind: 'payout',
        occurredAtMs: eventTimeMs,
        id: 'ITEM1',
        status,
        amount: 950,
        currency: 'USD',
        failureCode: 'RECEIVER_UNCONFIRMED',
      },
    ]);
  });
});
