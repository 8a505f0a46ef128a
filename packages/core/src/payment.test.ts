import { describe, expect, it } from 'vitest';
import type { FactOf } from './payment-event.ts';
import {
  compareKeyedFacts,
  foldPayment,
  foldPayout,
  rankOf,
  type DisputeState,
  type KeyedFact,
  type PaymentState,
  type PayoutState,
  type RefundState,
} from './payment.ts';

const at = (second: number) => 1_700_000_000_000 + second * 1000;

function payment(second: number, said: Partial<FactOf<'payment'>> = {}): FactOf<'payment'> {
  return { kind: 'payment', occurredAtMs: at(second), references: ['payment_intent:pi_1'], ...said };
}
function refund(second: number, said: Partial<FactOf<'refund'>> = {}): FactOf<'refund'> {
  return {
    kind: 'refund',
    occurredAtMs: at(second),
    id: 're_1',
    references: ['payment_intent:pi_1'],
    status: 'succeeded',
    amount: 500,
    currency: 'EUR',
    ...said,
  };
}
function dispute(second: number, said: Partial<FactOf<'dispute'>> = {}): FactOf<'dispute'> {
  return {
    kind: 'dispute',
    occurredAtMs: at(second),
    id: 'dp_1',
    references: ['payment_intent:pi_1'],
    amount: 1000,
    currency: 'EUR',
    ...said,
  };
}
function payout(second: number, said: Partial<FactOf<'payout'>> = {}): FactOf<'payout'> {
  return {
    kind: 'payout',
    occurredAtMs: at(second),
    id: 'po_1',
    status: 'pending',
    amount: 1000,
    currency: 'EUR',
    ...said,
  };
}
const captured = (second: number, amount: number, key = 'total') =>
  payment(second, { status: 'captured', amount: 1000, currency: 'EUR', captured: { key, amount } });

function keyed(facts: readonly KeyedFact['fact'][]): KeyedFact[] {
  return facts.map((fact, index) => ({ eventId: `evt_${index}`, ordinal: 0, fact }));
}

/** Folds the facts as they came and the other way round: an expectation must hold for both. */
function given(facts: readonly KeyedFact['fact'][]) {
  const family = foldPayment(keyed(facts));
  expect(foldPayment(keyed(facts).toReversed())).toEqual(family);
  return {
    then(expected: {
      readonly payment?: Partial<PaymentState>;
      readonly refunds?: readonly Partial<RefundState>[];
      readonly disputes?: readonly Partial<DisputeState>[];
    }) {
      expect(family).toMatchObject(expected);
    },
  };
}

function givenPayout(facts: readonly FactOf<'payout'>[]) {
  const state = foldPayout(keyed(facts));
  expect(foldPayout(keyed(facts).toReversed())).toEqual(state);
  return { then: (expected: Partial<PayoutState>) => expect(state).toMatchObject(expected) };
}

describe('the order of facts', () => {
  const place = (occurredAtMs: number, status: 'failed' | 'captured', eventId: string, ordinal: number): KeyedFact => ({
    eventId,
    ordinal,
    fact: { kind: 'payment', occurredAtMs, references: ['charge:ch_1'], status },
  });

  it('is by time, then status, then event id by code unit, then ordinal', () => {
    const ordered = [
      place(1, 'captured', 'z', 9),
      place(2, 'failed', 'z', 0),
      place(2, 'captured', 'B', 1),
      place(2, 'captured', 'a', 0),
      place(2, 'captured', 'a', 1),
    ];
    expect(ordered.toReversed().sort(compareKeyedFacts)).toEqual(ordered);
  });

  it('ranks a fact without a status below every status', () => {
    expect(rankOf(payment(0))).toBe(-1);
    expect(rankOf(dispute(0, { funds: 'withdrawn' }))).toBe(-1);
  });
});

describe('the status of a payment', () => {
  it('is the last one told, in the order things happened', () => {
    given([
      payment(0, { status: 'created', amount: 1000, currency: 'EUR' }),
      payment(1, { status: 'requires_action' }),
      payment(2, { status: 'authorized' }),
    ]).then({
      payment: {
        id: 'pi_1',
        status: 'authorized',
        amount: 1000,
        currency: 'EUR',
        amountCaptured: 0,
        version: 3,
        lastOccurredAtMs: at(2),
        conflict: null,
        needsFetch: false,
      },
    });
  });

  it('is captured when a retried attempt fails and captures in the same second', () => {
    given([captured(5, 1000), payment(5, { status: 'failed', failureCode: 'card_declined' })]).then({
      payment: { status: 'captured', failureCode: null, conflict: null },
    });
  });

  it('is failed, with its reason, until another attempt gets further', () => {
    given([payment(1, { status: 'failed', failureCode: 'card_declined' })]).then({
      payment: { status: 'failed', failureCode: 'card_declined' },
    });
    given([payment(1, { status: 'failed', failureCode: 'card_declined' }), payment(2, { status: 'pending' })]).then({
      payment: { status: 'pending', failureCode: null },
    });
  });

  it('stays captured when a lesser status comes later, and reports it', () => {
    given([captured(1, 1000), payment(2, { status: 'authorized' })]).then({
      payment: { status: 'captured', conflict: 'status_after_capture: authorized' },
    });
  });

  it('comes back from canceled or expired when money was captured or authorized after all, and reports it', () => {
    given([payment(1, { status: 'canceled' }), captured(2, 1000)]).then({
      payment: { status: 'captured', conflict: 'status_after_canceled' },
    });
    given([payment(1, { status: 'expired' }), payment(2, { status: 'authorized' })]).then({
      payment: { status: 'authorized', conflict: 'status_after_canceled' },
    });
  });

  it('is not touched by facts that name none', () => {
    given([captured(1, 1000), payment(2, { refundedTotal: 0 })]).then({
      payment: { status: 'captured', conflict: null },
    });
  });
});

describe('the captured amount', () => {
  it('is the greatest said under one key, however often it is said', () => {
    given([captured(1, 400), captured(2, 1000), captured(3, 700)]).then({
      payment: { amountCaptured: 1000, status: 'captured' },
    });
  });

  it('adds several captures up, and is partial until they reach the amount', () => {
    const authorized = payment(0, {
      references: ['authorization:A'],
      status: 'authorized',
      amount: 1000,
      currency: 'EUR',
    });
    const first = payment(1, {
      references: ['authorization:A', 'capture:C2'],
      status: 'captured',
      captured: { key: 'C2', amount: 600 },
    });
    const second = payment(2, {
      references: ['authorization:A', 'capture:C1'],
      status: 'captured',
      captured: { key: 'C1', amount: 400 },
    });
    given([authorized, first]).then({
      payment: { id: 'C2', status: 'partially_captured', amount: 1000, amountCaptured: 600 },
    });
    given([authorized, first, second]).then({
      payment: { id: 'C1', status: 'captured', amount: 1000, amountCaptured: 1000 },
    });
  });

  it('stands in for the amount where nothing names that', () => {
    given([payment(1, { status: 'captured', captured: { key: 'C1', amount: 250 } })]).then({
      payment: { status: 'captured', amount: 250 },
    });
    given([payment(1, { status: 'captured' })]).then({ payment: { amount: null, amountCaptured: 0 } });
  });
});

describe('the refunded amount', () => {
  it('is the sum of the refunds that succeeded, each counted once', () => {
    given([
      captured(1, 1000),
      refund(2, { id: 're_1', amount: 300 }),
      refund(3, { id: 're_1', amount: 300 }),
      refund(4, { id: 're_2', amount: 200 }),
      refund(5, { id: 're_3', amount: 100, status: 'pending' }),
    ]).then({
      payment: { amountRefunded: 500, refundState: 'partial' },
      refunds: [
        { id: 're_1', version: 2 },
        { id: 're_2', version: 1 },
        { id: 're_3', status: 'pending' },
      ],
    });
  });

  it('is full when all that was captured went back', () => {
    given([captured(1, 800), refund(2, { id: 're_1', amount: 300 }), refund(3, { id: 're_2', amount: 500 })]).then({
      payment: { amountRefunded: 800, refundState: 'full' },
    });
  });

  it('falls when a refund that had succeeded fails', () => {
    given([captured(1, 1000), refund(2), refund(9, { status: 'failed', reason: 'expired_or_canceled_card' })]).then({
      payment: { amountRefunded: 0, refundState: 'none' },
      refunds: [{ status: 'failed', reason: 'expired_or_canceled_card', amount: 500 }],
    });
  });

  it('trusts the running total where events of refunds are missing', () => {
    given([captured(1, 1000), payment(3, { refundedTotal: 700 }), refund(2, { amount: 300 })]).then({
      payment: { amountRefunded: 700 },
    });
  });

  it('takes the newest running total, and of one moment the greatest', () => {
    given([payment(2, { refundedTotal: 900 }), payment(3, { refundedTotal: 200 })]).then({
      payment: { amountRefunded: 200 },
    });
    given([
      payment(3, { refundedTotal: 500, status: 'authorized' }),
      payment(3, { refundedTotal: 200, status: 'captured' }),
    ]).then({ payment: { amountRefunded: 500 } });
  });

  it('takes from the running total what came back since it was drawn up', () => {
    given([captured(1, 1000), payment(3, { refundedTotal: 500 }), refund(9, { status: 'failed' })]).then({
      payment: { amountRefunded: 0 },
    });
    given([captured(1, 1000), refund(2), payment(3, { refundedTotal: 500 }), refund(9, { status: 'failed' })]).then({
      payment: { amountRefunded: 0 },
    });
  });

  it('does not take from the running total what it cannot have counted', () => {
    const known = [captured(1, 1000), payment(3, { refundedTotal: 500 })];
    given([...known, refund(2, { id: 're_2', status: 'failed' }), refund(9, { id: 're_2', status: 'failed' })]).then({
      payment: { amountRefunded: 500 },
    });
    given([...known, refund(6, { id: 're_2', status: 'pending' }), refund(9, { id: 're_2', status: 'failed' })]).then({
      payment: { amountRefunded: 500 },
    });
  });

  it('is never negative', () => {
    given([payment(3, { refundedTotal: 100 }), refund(9, { status: 'canceled', amount: 500 })]).then({
      payment: { amountRefunded: 0, refundState: 'none' },
    });
  });

  it('is reported when it exceeds what was captured', () => {
    given([captured(1, 400), refund(2, { amount: 500 })]).then({
      payment: { amountRefunded: 500, refundState: 'full', conflict: 'refunded_more_than_captured' },
    });
  });
});

describe('a refund or dispute that arrives before its payment', () => {
  it('makes a placeholder that asks to be fetched', () => {
    given([refund(5)]).then({
      payment: {
        id: 'pi_1',
        status: 'created',
        amount: null,
        currency: 'EUR',
        amountRefunded: 500,
        refundState: 'partial',
        needsFetch: true,
      },
    });
    given([dispute(5, { status: 'needs_response' })]).then({
      payment: { status: 'created', disputeState: 'open', needsFetch: true },
    });
  });

  it('leaves no trace once the payment is known', () => {
    given([refund(5), captured(1, 1000)]).then({
      payment: { status: 'captured', amountCaptured: 1000, amountRefunded: 500, needsFetch: false, conflict: null },
    });
  });

  it('lends its own id where it names no payment', () => {
    given([refund(5, { references: [] })]).then({ payment: { id: 're_1', references: [], needsFetch: true } });
  });
});

describe('disputes', () => {
  it('turn from lost to won when reinstated', () => {
    given([
      captured(1, 1000),
      dispute(2, { status: 'needs_response', reason: 'fraudulent' }),
      dispute(3, { funds: 'withdrawn' }),
      dispute(4, { status: 'lost' }),
      dispute(5, { status: 'won', funds: 'reinstated' }),
    ]).then({
      payment: { disputeState: 'won', status: 'captured' },
      disputes: [{ id: 'dp_1', status: 'won', funds: 'reinstated', amount: 1000, reason: 'fraudulent', version: 4 }],
    });
  });

  it('need a response as long as only their funds are known to move', () => {
    given([dispute(2, { funds: 'withdrawn' })]).then({
      payment: { disputeState: 'open' },
      disputes: [{ status: 'needs_response', funds: 'withdrawn' }],
    });
  });

  it.each([
    [['won', 'inquiry', 'lost', 'under_review'], 'open'],
    [['won', 'inquiry', 'accepted'], 'lost'],
    [['prevented', 'inquiry'], 'inquiry'],
    [['canceled', 'won'], 'won'],
  ] as const)('%j together make the payment %s', (statuses, disputeState) => {
    given(statuses.map((status, index) => dispute(2, { id: `dp_${index}`, status }))).then({
      payment: { disputeState },
    });
  });
});

describe('names and currencies', () => {
  it('the payment goes by the most telling name, whichever fact brings it', () => {
    given([
      payment(1, { references: ['charge:ch_1'] }),
      payment(2, { references: ['payment_intent:pi_1', 'charge:ch_1'] }),
    ]).then({ payment: { id: 'pi_1', references: ['charge:ch_1', 'payment_intent:pi_1'] } });
    given([payment(1, { references: ['order:O'] }), payment(2, { references: ['order:O', 'authorization:A'] })]).then({
      payment: { id: 'A' },
    });
    given([payment(1, { references: ['authorization:A', 'sale:S'] })]).then({ payment: { id: 'S' } });
  });

  it('the currency is the first named, and another anywhere in the family is reported', () => {
    given([captured(1, 1000), refund(2, { currency: 'USD' })]).then({
      payment: { currency: 'EUR', conflict: 'currency_mismatch' },
    });
    given([payment(1, { currency: 'EUR' }), payment(2, { currency: 'USD' })]).then({
      payment: { currency: 'EUR', conflict: 'currency_mismatch' },
    });
  });

  it('several conflicts are all told', () => {
    given([captured(1, 400), payment(2, { status: 'failed' }), refund(3, { amount: 500, currency: 'USD' })]).then({
      payment: { conflict: 'status_after_capture: failed, currency_mismatch, refunded_more_than_captured' },
    });
  });
});

describe('one fact', () => {
  it('counts once through however many endpoints it arrives', () => {
    const fact: KeyedFact = { eventId: 'evt_1', ordinal: 0, fact: refund(1) };
    expect(foldPayment([fact, { ...fact }, { ...fact, ordinal: 1 }]).payment).toMatchObject({
      version: 2,
      amountRefunded: 500,
    });
  });

  it('of a payout is no part of a payment, and nothing at all cannot be folded', () => {
    expect(foldPayment(keyed([captured(1, 1000), payout(2)])).payment.version).toBe(1);
    expect(() => foldPayment(keyed([payout(2)]))).toThrow('no fact about a payment');
    expect(() => foldPayout([])).toThrow('no payout fact');
  });
});

describe('a payout', () => {
  it('fails after it was paid when the bank returns it', () => {
    givenPayout([
      payout(1),
      payout(2, { status: 'paid' }),
      payout(9, { status: 'failed', failureCode: 'account_closed' }),
    ]).then({
      id: 'po_1',
      status: 'failed',
      failureCode: 'account_closed',
      amount: 1000,
      version: 3,
      lastOccurredAtMs: at(9),
    });
    givenPayout([payout(2, { status: 'paid' }), payout(2, { status: 'returned' })]).then({ status: 'returned' });
  });

  it('is paid, without a failure, when a held or failed one goes through', () => {
    givenPayout([
      payout(1, { status: 'failed', failureCode: 'x' }),
      payout(2, { status: 'held' }),
      payout(3, { status: 'paid' }),
    ]).then({ status: 'paid', failureCode: null });
  });
});
