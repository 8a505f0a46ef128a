import { describe, expect, it } from 'vitest';
import { at, captured, dispute, given, keyed, payment, payout, refund } from './fixtures/given-facts.ts';
import { foldPayment, foldPayout } from './payment.ts';

// Each of these was a change to the code that no other test noticed.

describe('what hangs on a payment', () => {
  it('is sorted by id, whatever came first, and speaks of its own currency and time', () => {
    given([
      captured(1, 1000),
      refund(2, { id: 're_b', currency: 'USD' }),
      refund(3, { id: 're_c' }),
      refund(4, { id: 're_a' }),
      dispute(5, { id: 'dp_b', currency: 'USD' }),
      dispute(6, { id: 'dp_c' }),
      dispute(7, { id: 'dp_a' }),
    ]).then({
      refunds: [
        { id: 're_a', currency: 'EUR' },
        { id: 're_b', currency: 'USD' },
        { id: 're_c', currency: 'EUR' },
      ],
      disputes: [
        { id: 'dp_a', currency: 'EUR', lastOccurredAtMs: at(7) },
        { id: 'dp_b', currency: 'USD', lastOccurredAtMs: at(5) },
        { id: 'dp_c', currency: 'EUR', lastOccurredAtMs: at(6) },
      ],
    });
  });

  it('is without funds moved where no fact moved them, and no dispute is none', () => {
    given([captured(1, 1000), dispute(2, { status: 'needs_response' })]).then({ disputes: [{ funds: 'none' }] });
    given([captured(1, 1000)]).then({ payment: { disputeState: 'none' }, disputes: [] });
  });
});

describe('the currency of a payment', () => {
  it('is its own before that of a refund which came first', () => {
    given([refund(1, { currency: 'USD' }), captured(2, 1000)]).then({
      payment: { currency: 'EUR', conflict: 'currency_mismatch' },
    });
  });

  it('is what was fetched, and that settles what was said before and not what comes after', () => {
    const fetched = payment(3, { snapshot: true, currency: 'USD' });
    given([captured(1, 1000), fetched]).then({ payment: { currency: 'USD', conflict: null } });
    given([captured(1, 1000), fetched, payment(4, { currency: 'EUR' })]).then({
      payment: { currency: 'USD', conflict: 'currency_mismatch' },
    });
  });

  it('is not settled by what was fetched without one', () => {
    const conflict = 'currency_mismatch';
    const mixed = [payment(1, { currency: 'EUR' }), payment(2, { currency: 'USD' })];
    given([...mixed, payment(3, { snapshot: true })]).then({ payment: { currency: 'EUR', conflict } });
  });
});

describe('the status of a payment', () => {
  it('comes back to life after an end, which is told; a failure or a wait after it is no such thing', () => {
    for (const end of ['canceled', 'expired'] as const) {
      for (const life of ['authorized', 'captured', 'partially_captured'] as const)
        given([payment(1, { status: end }), payment(2, { status: life })]).then({
          payment: { status: life, conflict: 'status_after_canceled' },
        });
      given([payment(1, { status: end }), payment(2, { status: 'failed' })]).then({ payment: { conflict: null } });
    }
  });

  it('that is captured in part is not undone by a lesser one either', () => {
    given([payment(1, { status: 'partially_captured' }), payment(2, { status: 'authorized' })]).then({
      payment: { status: 'partially_captured', conflict: 'status_after_capture: authorized' },
    });
  });

  it('stays as it was called where one of the two amounts is not known', () => {
    given([payment(1, { status: 'partially_captured', captured: { key: 'total', amount: 400 } })]).then({
      payment: { status: 'partially_captured' },
    });
    given([payment(1, { status: 'partially_captured', amount: 1000 })]).then({
      payment: { status: 'partially_captured' },
    });
  });
});

it('a payout is folded from facts about payouts alone, with its currency', () => {
  expect(foldPayout(keyed([payout(1), captured(2, 1000)]))).toMatchObject({
    id: 'po_1',
    currency: 'EUR',
    version: 1,
    lastOccurredAtMs: at(1),
  });
  expect(foldPayment(keyed([payout(3), captured(2, 1000)])).payment).toMatchObject({ lastOccurredAtMs: at(2) });
});
