import { describe, expect, it } from 'vitest';
import {
  capture,
  event,
  eventTimeMs,
  link,
  occurredAtMs,
  payoutItem,
  sale,
  times,
  usd,
  authorization,
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
