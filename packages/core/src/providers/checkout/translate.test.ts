import { describe, expect, test } from 'vitest';
import { events } from './fixtures/events.ts';
import { translateCheckout } from './translate.ts';

const translated = (event: unknown) => translateCheckout(Buffer.from(JSON.stringify(event)));
const malformed = expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' });

describe('payments', () => {
  test('an approved one is authorized', () => {
    expect(translated(events.approved)).toEqual([
      {
        kind: 'payment',
        occurredAtMs: Date.parse('2023-05-22T11:56:04.882Z'),
        references: ['payment:pay_griq7wyqkggu7mnk7ecm6ysrl4'],
        status: 'authorized',
        amount: 20,
        currency: 'USD',
      },
    ]);
  });

  test('a captured one tells the total of all its captures under its own id', () => {
    expect(translated(events.captured)).toEqual([
      {
        kind: 'payment',
        occurredAtMs: Date.parse('2023-05-24T09:12:32.357Z'),
        references: ['payment:pay_vti5layihapu5bhbn5tjtk6eem'],
        status: 'captured',
        amount: 20,
        currency: 'EUR',
        captured: { key: 'pay_vti5layihapu5bhbn5tjtk6eem', amount: 20 },
        refundedTotal: 0,
      },
    ]);
  });

  test('the second capture of 5 after one of 10 makes 15 of 20, not 5', () => {
    const { data } = events.captured;
    const second = {
      ...events.captured,
      data: { ...data, amount: 5, balances: { ...data.balances, total_captured: 15 } },
    };
    expect(translated(second)).toMatchObject([
      { status: 'partially_captured', amount: 20, captured: { key: data.id, amount: 15 } },
    ]);
  });

  test('a capture without balances is of the amount it says', () => {
    const { balances: _, ...data } = events.captured.data;
    expect(translated({ ...events.captured, data })).toMatchObject([
      { status: 'captured', amount: 20, captured: { key: data.id, amount: 20 } },
    ]);
  });

  test('a voided one is canceled, unless some of it was captured', () => {
    expect(translated(events.voided)).toMatchObject([{ status: 'canceled', amount: 20 }]);
    const { data } = events.voided;
    const partly = { ...data, balances: { ...data.balances, total_captured: 5, total_voided: 15 } };
    expect(translated({ ...events.voided, data: partly })).toMatchObject([
      { status: undefined, captured: { key: data.id, amount: 5 } },
    ]);
  });

  test('a declined one has failed, with its response code', () => {
    expect(translated(events.declined)).toMatchObject([
      { status: 'failed', amount: 40000, currency: 'EUR', failureCode: '20005', captured: undefined },
    ]);
  });

  test.each([
    ['payment_pending', 'requires_action'],
    ['payment_canceled', 'canceled'],
    ['payment_expired', 'expired'],
  ])('%s is %s', (type, status) => {
    expect(translated({ ...events.declined, type })).toMatchObject([{ status, failureCode: undefined }]);
  });

  test('a card payout, which comes under the same types, is no payment', () => {
    expect(translated(events.payoutDeclined)).toEqual([]);
  });
});

describe('refunds', () => {
  test('a refund goes by its action, and tells the total refunded of its payment', () => {
    expect(translated(events.refunded)).toEqual([
      {
        kind: 'refund',
        occurredAtMs: Date.parse('2020-02-03T11:35:03Z'),
        id: 'act_7fmebms4rtmuja2poigylogjk4',
        references: ['payment:pay_pswr5qaqzzferh2puzfyrefzuy'],
        status: 'succeeded',
        amount: 200,
        currency: 'GBP',
      },
      {
        kind: 'payment',
        occurredAtMs: Date.parse('2020-02-03T11:35:03Z'),
        references: ['payment:pay_pswr5qaqzzferh2puzfyrefzuy'],
        amount: 200,
        currency: 'GBP',
        captured: { key: 'pay_pswr5qaqzzferh2puzfyrefzuy', amount: 200 },
        refundedTotal: 200,
      },
    ]);
  });

  test('a declined one has failed, and its payment has not', () => {
    expect(translated(events.refundDeclined)).toMatchObject([
      { kind: 'refund', status: 'failed', amount: 3737, reason: 'Error / Invalid Request Parameters' },
      { kind: 'payment', status: undefined, refundedTotal: 0, failureCode: undefined },
    ]);
  });

  test('the amount of a refund is never taken for the payment’s', () => {
    const { balances: _, ...data } = events.refunded.data;
    expect(translated({ ...events.refunded, data: { ...data, amount: 7 } })).toMatchObject([
      { kind: 'refund', amount: 7 },
      { kind: 'payment', amount: undefined, captured: undefined, refundedTotal: undefined },
    ]);
  });

  test('without an action id it is malformed', () => {
    const { action_id: _, ...data } = events.refunded.data;
    expect(() => translated({ ...events.refunded, data })).toThrow(malformed);
  });
});

describe('disputes', () => {
  test('a dispute won in arbitration', () => {
    expect(translated(events.arbitrationWon)).toEqual([
      {
        kind: 'dispute',
        occurredAtMs: Date.parse('2018-06-21T12:00:31Z'),
        id: 'dsp_9rjdlsd4epepfjyyf9vl',
        references: ['payment:pay_cnhuomagalglgozxy5zm'],
        status: 'won',
        amount: 20020,
        currency: 'USD',
        reason: '10.4',
      },
    ]);
  });

  test.each([
    ['dispute_received', undefined, undefined],
    ['dispute_evidence_required', 'needs_response', 'withdrawn'],
    ['dispute_evidence_submitted', 'under_review', undefined],
    ['dispute_evidence_acknowledged_by_scheme', 'under_review', undefined],
    ['dispute_arbitration_sent_to_scheme', 'under_review', undefined],
    ['dispute_won', 'won', 'reinstated'],
    ['dispute_arbitration_won', 'won', undefined],
    ['dispute_lost', 'lost', undefined],
    ['dispute_arbitration_lost', 'lost', undefined],
    ['dispute_accepted', 'accepted', undefined],
    ['dispute_expired', 'expired', undefined],
    ['dispute_canceled', 'canceled', 'reinstated'],
    ['dispute_resolved', 'canceled', undefined],
  ])('%s is %s, funds %s', (type, status, funds) => {
    expect(translated({ ...events.arbitrationWon, type })).toMatchObject([{ kind: 'dispute', status, funds }]);
  });

  test('one without amount, as an older event is, says the rest', () => {
    const { amount: _, currency: __, reason_code: ___, ...data } = events.arbitrationWon.data;
    expect(translated({ ...events.arbitrationWon, data })).toMatchObject([
      { status: 'won', amount: undefined, currency: undefined, reason: 'canceled_recurring' },
    ]);
  });
});

describe('amounts', () => {
  test.each([
    ['JPY', 100, 100],
    ['KWD', 100_000, 100_000],
    ['EUR', 10_000, 10_000],
    ['CLP', 10_000, 100],
    ['CLP', 0, 0],
  ])('%s %d is %d', (currency, amount, expected) => {
    const event = { ...events.declined, data: { ...events.declined.data, amount, currency } };
    expect(translated(event)).toMatchObject([{ amount: expected, currency }]);
  });

  test.each([
    ['CLP', 10_050, 'malformed_amount'],
    ['CLF', 100, 'malformed_event'],
    ['EUR', 10.5, 'malformed_event'],
    ['EUR', -1, 'malformed_event'],
    ['eur', 1, 'malformed_event'],
  ])('%s %d is %s', (currency, amount, code) => {
    const event = { ...events.declined, data: { ...events.declined.data, amount, currency } };
    expect(() => translated(event)).toThrow(expect.objectContaining({ name: 'PermanentError', code }));
  });
});

test('an event of another type says nothing, whatever is in it', () => {
  for (const type of [
    'card_verified',
    'payment_capture_declined',
    'payment_void_declined',
    'dispute_new',
    'toString',
  ]) {
    expect(translated({ id: 'evt_1', type, data: 7 })).toEqual([]);
  }
});

test('an event without a time, or with an identifier that is none, is malformed', () => {
  const { created_on: _, ...undated } = events.approved;
  expect(() => translated(undated)).toThrow(malformed);
  const spaced = { ...events.approved, data: { ...events.approved.data, id: 'pay 1' } };
  expect(() => translated(spaced)).toThrow(malformed);
});
