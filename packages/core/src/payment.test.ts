import { describe, expect, it } from 'vitest';
import { at, payment, refund, dispute, payout, captured, keyed, given, givenPayout } from './fixtures/given-facts.ts';
import { compareKeyedFacts, foldPayment, foldPayout, rankOf, type KeyedFact } from './payment.ts';

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

describe('disputes', () => {
  it('stand furthest along of what is said of them in one second, won after lost', () => {
    given([dispute(2, { status: 'won' }), dispute(2, { status: 'lost' }), dispute(2, { status: 'under_review' })]).then(
      {
        disputes: [{ status: 'won' }],
      },
    );
    given([dispute(2, { status: 'under_review' }), dispute(2, { status: 'inquiry' }), dispute(2)]).then({
      disputes: [{ status: 'under_review' }],
    });
  });

  it('turn from lost to won when reinstated', () => {
    given([
      captured(1, 1000),
      dispute(2, { status: 'needs_response', reason: 'fraudulent' }),
      dispute(3, { funds: 'withdrawn' }),
      dispute(4, { status: 'lost' }),
      dispute(5, { status: 'won', funds: 'reinstated' }),
    ]).then({
      payment: { disputeState: 'won', status: 'captured' },
      disputes: [
        {
          id: 'dp_1',
          status: 'won',
          funds: 'reinstated',
          amount: 1000,
          reason: 'fraudulent',
          version: 4,
          lastOccurredAtMs: at(5),
        },
      ],
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
