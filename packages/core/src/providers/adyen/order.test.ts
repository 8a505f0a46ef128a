import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldPayment, foldPayout, type PaymentFamily } from '../../payment.ts';
import { translateAdyen } from './translate.ts';

const payment = 'PAYMENT000000001';

/** A statement of Adyen's about one payment: code, outcome, and the reference of what it is about. */
type Said = readonly [eventCode: string, success: 'true' | 'false', pspReference: string];

const ofThePayment = ['PENDING', 'OFFER_CLOSED', 'AUTHORISATION'].map((code) => [code, payment] as const);
const ofTheModification = [
  ...['CAPTURE', 'CAPTURE_FAILED'].map((code) => [code, 'CAPTURE000000001'] as const),
  ...['CANCELLATION', 'TECHNICAL_CANCEL', 'CANCEL_OR_REFUND'].map((code) => [code, 'CANCEL0000000001'] as const),
  ...['AUTHORISATION_ADJUSTMENT', 'EXPIRE'].map((code) => [code, 'ADJUST0000000001'] as const),
  ...['POSTPONED_REFUND', 'REFUND', 'REFUND_FAILED', 'REFUNDED_REVERSED'].map(
    (code) => [code, 'REFUND0000000001'] as const,
  ),
  ...[
    'REQUEST_FOR_INFORMATION',
    'NOTIFICATION_OF_CHARGEBACK',
    'CHARGEBACK',
    'INFORMATION_SUPPLIED',
    'DISPUTE_DEFENSE_PERIOD_ENDED',
    'ISSUER_RESPONSE_TIMEFRAME_EXPIRED',
    'CHARGEBACK_REVERSED',
    'SECOND_CHARGEBACK',
    'PREARBITRATION_OPEN',
    'PREARBITRATION_ACCEPTED',
    'PREARBITRATION_DECLINED',
    'PREARBITRATION_ISSUER_WITHDRAWN',
    'PREARBITRATION_WON',
    'PREARBITRATION_LOST',
  ].map((code) => [code, 'DISPUTE000000001'] as const),
];

const everything: readonly Said[] = [...ofThePayment, ...ofTheModification].flatMap(([code, reference]) => [
  [code, 'true', reference] as const,
  [code, 'false', reference] as const,
]);
const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
const dates = fc.array(date, { minLength: everything.length, maxLength: everything.length });

test('no date that anyone can put on a notification decides anything', () => {
  fc.assert(
    fc.property(fc.subarray([...everything], { minLength: 1 }), dates, dates, (said, some, others) => {
      expect(undated(family(said, some))).toEqual(undated(family(said, others)));
    }),
    { numRuns: 300 },
  );
});

test('dates decide nothing about a payout either', () => {
  const payouts = ['PAYOUT_THIRDPARTY', 'PAYOUT_EXPIRE', 'PAYOUT_DECLINE', 'PAIDOUT_REVERSED'].flatMap((code) => [
    [code, 'true', payment] as const,
    [code, 'false', payment] as const,
  ]);
  fc.assert(
    fc.property(fc.subarray(payouts, { minLength: 1 }), dates, dates, (said, some, others) => {
      const [one, other] = [keyedFacts(said, some), keyedFacts(said, others)];
      fc.pre(one.length > 0);
      expect({ ...foldPayout(one), lastOccurredAtMs: 0 }).toEqual({ ...foldPayout(other), lastOccurredAtMs: 0 });
    }),
  );
});

test('a refund that failed stays failed, however its success is dated', () => {
  const said = [
    ['AUTHORISATION', 'true', payment],
    ['CAPTURE', 'true', 'CAPTURE1'],
    ['REFUND_FAILED', 'true', 'REFUND1'],
    ['REFUND', 'true', 'REFUND1'],
  ] as const satisfies readonly Said[];
  const years = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-02-01'].map((day) => new Date(day));
  expect(family(said, years)).toMatchObject({
    payment: { status: 'captured', amountCaptured: 1000, amountRefunded: 0, conflict: null },
    refunds: [{ id: 'REFUND1', status: 'failed' }],
  });
});

test.each([
  ['won', ['NOTIFICATION_OF_CHARGEBACK', 'CHARGEBACK', 'INFORMATION_SUPPLIED', 'CHARGEBACK_REVERSED'], 'reinstated'],
  ['lost', ['CHARGEBACK', 'CHARGEBACK_REVERSED', 'SECOND_CHARGEBACK'], 'withdrawn'],
  ['won', ['CHARGEBACK', 'CHARGEBACK_REVERSED', 'SECOND_CHARGEBACK', 'PREARBITRATION_WON'], 'reinstated'],
  ['lost', ['CHARGEBACK', 'SECOND_CHARGEBACK', 'PREARBITRATION_OPEN', 'PREARBITRATION_LOST'], 'withdrawn'],
  ['expired', ['NOTIFICATION_OF_CHARGEBACK', 'CHARGEBACK', 'DISPUTE_DEFENSE_PERIOD_ENDED'], 'withdrawn'],
])('a dispute ends %s after %j, in whatever order they arrive', (status, codes, funds) => {
  fc.assert(
    fc.property(fc.shuffledSubarray(codes, { minLength: codes.length }), dates, (shuffled, when) => {
      const said = shuffled.map((code): Said => [code, 'true', 'DISPUTE1']);
      expect(family(said, when).disputes).toMatchObject([{ id: 'DISPUTE1', status, funds }]);
    }),
  );
});

test('an authorisation that was refused first and then granted is granted', () => {
  const said: readonly Said[] = [
    ['AUTHORISATION', 'true', payment],
    ['AUTHORISATION', 'false', payment],
  ];
  const when = [new Date('2026-01-01'), new Date('2026-01-02')];
  expect(family(said, when).payment).toMatchObject({ status: 'authorized', conflict: null });
});

test('a capture that failed afterwards is shown as a conflict', () => {
  const said: readonly Said[] = [
    ['CAPTURE_FAILED', 'true', 'CAPTURE1'],
    ['CAPTURE', 'true', 'CAPTURE1'],
  ];
  expect(family(said, [new Date(0), new Date(1)]).payment.conflict).toBe('status_after_capture: authorized');
});

function family(said: readonly Said[], when: readonly Date[]): PaymentFamily {
  const anchor = [['AUTHORISATION', 'true', payment]] as const satisfies readonly Said[];
  return foldPayment([...keyedFacts(anchor, [new Date(0)]), ...keyedFacts(said, when)]);
}

function keyedFacts(said: readonly Said[], when: readonly Date[]): Parameters<typeof foldPayment>[0] {
  return said.flatMap(([eventCode, success, pspReference], position) => {
    const item = {
      eventCode,
      success,
      pspReference,
      originalReference: pspReference === payment ? '' : payment,
      amount: { value: 1000, currency: 'EUR' },
      eventDate: when[position]?.toISOString(),
    };
    return translateAdyen(Buffer.from(JSON.stringify(item))).map((fact, ordinal) => ({
      eventId: `${pspReference}-${eventCode}-${success}`,
      ordinal,
      fact,
    }));
  });
}

/** All but the times shown. */
function undated({ payment: state, refunds, disputes }: PaymentFamily): unknown {
  const shown = { lastOccurredAtMs: 0 };
  return {
    payment: { ...state, ...shown },
    refunds: refunds.map((refund) => ({ ...refund, ...shown })),
    disputes: disputes.map((dispute) => ({ ...dispute, ...shown })),
  };
}
