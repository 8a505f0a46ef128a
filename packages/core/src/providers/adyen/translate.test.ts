import { describe, expect, test } from 'vitest';
import { foldPayment } from '../../payment.ts';
import type { PaymentFact } from '../../payment-event.ts';
import type { EndpointSettings } from '../../provider.ts';
import { adyen } from './provider.ts';
import { translateAdyen } from './translate.ts';

const payment = '9913140798220028';
const modification = 'QFQTPCQ8HXSKGK82';
const occurredAtMs = Date.parse('2021-01-01T00:00:00Z');
const money = { amount: 1000, currency: 'EUR' };

describe('payments', () => {
  test.each([
    ['AUTHORISATION', 'true', 'authorized'],
    ['AUTHORISATION', 'false', 'failed'],
    ['PENDING', 'true', 'pending'],
    ['OFFER_CLOSED', 'true', 'expired'],
  ])('%s %s is of the payment itself', (eventCode, success, status) => {
    expect(facts({ eventCode, success, pspReference: payment, originalReference: undefined })).toMatchObject([
      { kind: 'payment', occurredAtMs, references: [`payment:${payment}`], status, ...money },
    ]);
  });

  test('CAPTURE true is money captured under the id of the capture', () => {
    expect(facts({ eventCode: 'CAPTURE' })).toEqual([
      {
        kind: 'payment',
        occurredAtMs,
        stage: 6,
        references: [`payment:${payment}`],
        status: 'captured',
        currency: 'EUR',
        captured: { key: modification, amount: 1000 },
      },
    ]);
  });

  test.each([
    ['CANCELLATION', 'canceled'],
    ['TECHNICAL_CANCEL', 'canceled'],
    ['EXPIRE', 'expired'],
    ['CAPTURE_FAILED', 'authorized'],
    ['CANCEL_OR_REFUND', undefined],
    ['AUTHORISATION_ADJUSTMENT', undefined],
  ])('%s says where the payment stands, and no amount of it', (eventCode, status) => {
    const [fact] = facts({ eventCode });
    expect(fact).toMatchObject({ kind: 'payment', references: [`payment:${payment}`] });
    expect(fact).toEqual(expect.objectContaining(status === undefined ? {} : { status }));
    expect(fact).not.toHaveProperty('amount', 1000);
    expect(fact).not.toHaveProperty('captured.amount', 1000);
  });

  describe('where the merchant account captures by itself', () => {
    const automatic = { capture: 'automatic' };
    const authorised = { eventCode: 'AUTHORISATION', pspReference: payment, originalReference: undefined };

    test('an authorisation that succeeded is the capture, and one that did not is a failure', () => {
      const captured = { key: payment, amount: 1000 };
      expect(facts(authorised, automatic)).toMatchObject([{ status: 'captured', ...money, captured }]);
      expect(facts({ ...authorised, success: 'false' }, automatic)).toMatchObject([{ status: 'failed' }]);
    });

    test('a CAPTURE that comes all the same is the same money, and one that failed is seen to contradict it', () => {
      expect(facts({ eventCode: 'CAPTURE' }, automatic)).toMatchObject([{ captured: { key: payment, amount: 1000 } }]);
      const keyed = [authorised, { eventCode: 'CAPTURE' }, { eventCode: 'CAPTURE_FAILED' }]
        .flatMap((fields) => facts(fields, automatic))
        .map((fact, ordinal) => ({ eventId: 'e', ordinal, fact }));
      expect(foldPayment(keyed).payment).toMatchObject({
        amountCaptured: 1000,
        conflict: 'status_after_capture: authorized',
      });
    });

    test('the setting is one of two words', () => {
      const settings = { secrets: ['00'.repeat(32)], capture: 'sometimes' };
      const effects = { exchange: () => Promise.reject(new Error('none')), trustedRoots: [], production: false };
      expect(() => adyen.createVerifier(settings, effects)).toThrow(/capture: must be manual or automatic/);
    });
  });

  test('EXPIRE without an original reference is of the payment itself', () => {
    expect(facts({ eventCode: 'EXPIRE', pspReference: payment, originalReference: undefined })).toMatchObject([
      { references: [`payment:${payment}`], status: 'expired' },
    ]);
  });

  test('a capture that names no payment is malformed', () => {
    expect(() => facts({ eventCode: 'CAPTURE', originalReference: '' })).toThrow(
      expect.objectContaining({ code: 'malformed_event' }),
    );
  });
});

test.each([
  ['REFUND', 'true', 'succeeded'],
  ['REFUND', 'false', 'failed'],
  ['REFUND_WITH_DATA', 'true', 'succeeded'],
  ['REFUND_WITH_DATA', 'false', 'failed'],
  ['POSTPONED_REFUND', 'true', 'pending'],
  ['REFUND_FAILED', 'true', 'failed'],
  ['REFUNDED_REVERSED', 'true', 'reversed'],
])('%s %s says where the refund stands', (eventCode, success, status) => {
  expect(facts({ eventCode, success })).toMatchObject([
    { kind: 'refund', occurredAtMs, id: modification, references: [`payment:${payment}`], status, ...money },
  ]);
});

test.each([
  ['REQUEST_FOR_INFORMATION', 'inquiry', undefined],
  ['NOTIFICATION_OF_CHARGEBACK', 'needs_response', undefined],
  ['CHARGEBACK', 'needs_response', 'withdrawn'],
  ['INFORMATION_SUPPLIED', 'under_review', undefined],
  ['DISPUTE_DEFENSE_PERIOD_ENDED', 'expired', undefined],
  ['ISSUER_RESPONSE_TIMEFRAME_EXPIRED', 'won', undefined],
  ['CHARGEBACK_REVERSED', 'won', 'reinstated'],
  ['SECOND_CHARGEBACK', 'lost', 'withdrawn'],
  ['PREARBITRATION_OPEN', 'needs_response', undefined],
  ['PREARBITRATION_ACCEPTED', undefined, undefined],
  ['PREARBITRATION_DECLINED', undefined, undefined],
  ['PREARBITRATION_ISSUER_WITHDRAWN', 'won', undefined],
  ['PREARBITRATION_WON', 'won', 'reinstated'],
  ['PREARBITRATION_LOST', 'lost', 'withdrawn'],
])('%s says where the dispute stands', (eventCode, status, funds) => {
  const [fact] = facts({ eventCode });
  expect(fact).toMatchObject({ kind: 'dispute', id: modification, references: [`payment:${payment}`], ...money });
  expect(fact).toEqual({ ...fact, status, funds });
});

test('a dispute without an original reference belongs to no payment yet', () => {
  expect(facts({ eventCode: 'CHARGEBACK_REVERSED', originalReference: undefined })).toMatchObject([{ references: [] }]);
});

test.each([
  ['PAYOUT_THIRDPARTY', 'true', 'paid'],
  ['PAYOUT_THIRDPARTY', 'false', 'failed'],
  ['PAYOUT_EXPIRE', 'true', 'failed'],
  ['PAYOUT_DECLINE', 'true', 'canceled'],
  ['PAIDOUT_REVERSED', 'true', 'returned'],
])('%s %s says where the payout stands', (eventCode, success, status) => {
  expect(facts({ eventCode, success })).toMatchObject([{ kind: 'payout', id: payment, status, ...money }]);
});

test.each([
  ['CAPTURE', 'false'],
  ['CANCELLATION', 'false'],
  ['POSTPONED_REFUND', 'false'],
  ['REPORT_AVAILABLE', 'true'],
  ['RECURRING_CONTRACT', 'true'],
  ['NOTIFICATION_OF_FRAUD', 'true'],
  ['ISSUER_COMMENTS', 'true'],
  ['ORDER_CLOSED', 'true'],
  ['A_CODE_OF_TOMORROW', 'true'],
])('%s %s says nothing about payments', (eventCode, success) => {
  expect(facts({ eventCode, success })).toEqual([]);
});

test('a platform webhook says nothing about payments', () => {
  const body = '{"type":"balancePlatform.transfer.created","data":{"id":"1"},"environment":"test"}';
  expect(translateAdyen(Buffer.from(body))).toEqual([]);
});

test.each([
  [{ success: 'maybe' }],
  [{ pspReference: 'has:colon' }],
  [{ pspReference: '' }],
  [{ amount: { value: 10.5, currency: 'EUR' } }],
  [{ amount: { value: -5, currency: 'EUR' } }],
  [{ amount: { value: 10, currency: 'euro' } }],
  [{ amount: { value: 9_007_199_254_740_992, currency: 'EUR' } }],
])('a statement that contradicts the documented shape is malformed: %j', (wrong) => {
  expect(() => facts({ eventCode: 'REFUND', ...wrong })).toThrow(expect.objectContaining({ code: 'malformed_event' }));
});

test.each([
  ['EUR', 1000, 1000],
  ['JPY', 1000, 1000],
  ['BHD', 1000, 1000],
  ['CLP', 110_000, 1100],
  ['ISK', 279_000, 2790],
  ['ISK', 0, 0],
  ['CVE', 10, 1000],
  ['IDR', 1000, 100_000],
])('%s %d from Adyen is %d in the minor unit of ISO 4217', (currency, value, amount) => {
  expect(facts({ eventCode: 'REFUND', amount: { value, currency } })).toMatchObject([{ amount, currency }]);
});

test('a fraction of a peso is malformed', () => {
  expect(() => facts({ eventCode: 'REFUND', amount: { value: 110_050, currency: 'CLP' } })).toThrow(
    expect.objectContaining({ code: 'malformed_amount' }),
  );
});

test('an item without an amount or a date still says what happened', () => {
  expect(facts({ eventCode: 'REFUND', amount: undefined, eventDate: 'yesterday' })).toMatchObject([
    { kind: 'refund', status: 'succeeded', occurredAtMs: 0 },
  ]);
});

test('an accepted notification is acknowledged with [accepted]', () => {
  expect(adyen.acknowledgement).toEqual({ status: 200, contentType: 'text/plain', body: '[accepted]' });
});

/** An item as Adyen's OpenAPI examples have it, with some fields of its own. */
function facts(item: Readonly<Record<string, unknown>>, settings: EndpointSettings = {}): readonly PaymentFact[] {
  return translateAdyen(
    Buffer.from(
      JSON.stringify({
        amount: { currency: 'EUR', value: 1000 },
        eventDate: '2021-01-01T01:00:00+01:00',
        merchantAccountCode: 'YOUR_MERCHANT_ACCOUNT',
        merchantReference: 'YOUR_MERCHANT_REFERENCE',
        originalReference: payment,
        paymentMethod: 'visa',
        pspReference: modification,
        reason: '',
        success: 'true',
        ...item,
      }),
    ),
    settings,
  );
}
