import { describe, it } from 'vitest';
import { payment, refund, dispute, captured, given } from './fixtures/given-facts.ts';

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

  it('counts a refund of the same moment as in the running total, and one undone by then as gone from it', () => {
    const known = [captured(1, 1000), payment(3, { refundedTotal: 500 })];
    given([...known, refund(3, { status: 'pending' }), refund(9, { status: 'failed' })]).then({
      payment: { amountRefunded: 0 },
    });
    given([...known, refund(2), refund(3, { status: 'failed' })]).then({ payment: { amountRefunded: 500 } });
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
        conflict: null,
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
