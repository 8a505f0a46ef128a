import { describe, expect, test } from 'vitest';
import { chargeEvent } from './fixtures/events.ts';
import { coinbaseCommerce } from './provider.ts';

const { translate, statesSameEvent } = coinbaseCommerce;
const id = '2aee9dd1-67b8-43ef-8dfe-977959850f27';

test('a confirmed charge is captured at its local price', () => {
  expect(translate(chargeEvent({ type: 'charge:confirmed' }))).toEqual([
    {
      kind: 'payment',
      occurredAtMs: Date.parse('2023-08-30T19:29:20Z'),
      references: [`payment:${id}`],
      status: 'captured',
      amount: 100,
      currency: 'USD',
      captured: { key: id, amount: 100 },
    },
  ]);
});

test.each([
  ['charge:created', 'created'],
  ['charge:pending', 'pending'],
  ['charge:resolved', 'captured'],
  ['charge:failed', 'failed'],
])('%s is %s, and does not say how much was captured', (type, status) => {
  expect(translate(chargeEvent({ type }))).toMatchObject([{ status, amount: 100, captured: undefined }]);
});

test.each([
  ['EXPIRED', undefined, 'expired', 'EXPIRED'],
  ['CANCELED', undefined, 'canceled', 'CANCELED'],
  ['UNRESOLVED', 'UNDERPAID', 'failed', 'UNDERPAID'],
])('a charge that failed as %s %s is %s', (last, context, status, failureCode) => {
  const timeline = [
    { time: '2023-08-30T19:29:20Z', status: 'NEW' },
    { time: '2023-08-30T20:29:20Z', status: last, context },
  ];
  expect(translate(chargeEvent({ type: 'charge:failed', data: { timeline } }))).toMatchObject([
    { status, failureCode },
  ]);
});

describe('prices', () => {
  const priced = (local: unknown) => translate(chargeEvent({ type: 'charge:confirmed', data: { pricing: { local } } }));

  test.each([
    ['10.5', 'EUR', 1050],
    ['100', 'JPY', 100],
    ['1.234', 'KWD', 1234],
  ])('%s %s is %d', (amount, currency, expected) => {
    expect(priced({ amount, currency })).toMatchObject([
      { amount: expected, currency, captured: { amount: expected } },
    ]);
  });

  test.each(['BTC', 'ETH', 'DAI', 'USDC'])(
    'a price in %s is no amount of money, and the charge is still captured',
    (currency) => {
      expect(priced({ amount: '1.00', currency })).toMatchObject([
        { status: 'captured', amount: undefined, currency: undefined, captured: undefined },
      ]);
    },
  );

  test('a charge without a price, as for donations, is captured without an amount', () => {
    const body = chargeEvent({ type: 'charge:confirmed', data: { pricing: undefined, pricing_type: 'no_price' } });
    expect(translate(body)).toMatchObject([{ status: 'captured', amount: undefined, captured: undefined }]);
  });

  test.each([
    [{ amount: '1.005', currency: 'USD' }, 'malformed_amount'],
    [{ amount: '1e2', currency: 'USD' }, 'malformed_amount'],
    [{ amount: '-1.00', currency: 'USD' }, 'malformed_event'],
    [{ amount: 1, currency: 'USD' }, 'malformed_event'],
  ])('%j is %s', (local, code) => {
    expect(() => priced(local)).toThrow(expect.objectContaining({ name: 'PermanentError', code }));
  });
});

test('an event of another type says nothing, whatever is in it', () => {
  for (const type of ['charge:delayed', 'invoice:paid', 'charge:new', 'toString'])
    expect(translate(Buffer.from(JSON.stringify({ event: { type, data: 7 } })))).toEqual([]);
});

test('an identifier that is none is malformed', () => {
  expect(() => translate(chargeEvent({ type: 'charge:failed', data: { id: 'a b' } }))).toThrow(
    expect.objectContaining({ name: 'PermanentError', code: 'malformed_event' }),
  );
});

test('a retry states the same event under another attempt; another event does not', () => {
  const first = chargeEvent({ type: 'charge:confirmed' });
  const retry = { attempt_number: 2, id: 'another-delivery', scheduled_for: '2023-08-30T20:29:20Z' };
  expect(statesSameEvent(first, chargeEvent({ type: 'charge:confirmed', delivery: retry }))).toBe(true);
  expect(statesSameEvent(first, chargeEvent({ type: 'charge:failed' }))).toBe(false);
  expect(statesSameEvent(first, chargeEvent({ type: 'charge:confirmed', data: { code: 'OTHER' } }))).toBe(false);
});
