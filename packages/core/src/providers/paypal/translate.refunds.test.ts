import { describe, expect, it } from 'vitest';
import {
  dispute,
  event,
  eventTimeMs,
  link,
  occurredAtMs,
  refund,
  sale,
  usd,
  times,
} from './fixtures/translate-resources.ts';
import { translatePayPal } from './translate.ts';

const translate = (type: string, resource: unknown) => translatePayPal(event(type, resource));

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
