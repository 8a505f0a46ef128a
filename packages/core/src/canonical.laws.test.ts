import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  canonicalType,
  disputeStatuses,
  paymentStatuses,
  payoutStatuses,
  refundStatuses,
  type CanonicalType,
  type FactOf,
  type PaymentFact,
} from './payment-event.ts';
import { foldPayment, foldPayout, type KeyedFact, type PaymentFamily, type PayoutState } from './payment.ts';
import { redelivered } from './testing/redelivered.ts';

/** Three seconds, so that most facts share one: Stripe's clock has no finer ones. */
const common = {
  occurredAtMs: fc.nat({ max: 2 }).map((second) => second * 1_000),
  stage: fc.nat({ max: 1 }),
  snapshot: fc.constant(true as const),
  amount: fc.nat({ max: 9 }),
  currency: fc.constantFrom('EUR', 'USD'),
};
const references = fc.constantFrom<FactOf<'payment'>['references']>(['charge:c'], ['payment_intent:p', 'charge:c']);
const payment = fc.record(
  {
    ...common,
    kind: fc.constant('payment' as const),
    references,
    status: fc.constantFrom(...paymentStatuses),
    captured: fc.record({ key: fc.constantFrom('a', 'b'), amount: fc.nat({ max: 9 }) }),
    refundedTotal: fc.nat({ max: 9 }),
    failureCode: fc.constantFrom('card_declined', 'expired_card'),
  },
  { requiredKeys: ['kind', 'occurredAtMs', 'references'] },
);
const refund = fc.record(
  {
    ...common,
    kind: fc.constant('refund' as const),
    id: fc.constantFrom('re_1', 're_2', 're_3'),
    references,
    status: fc.constantFrom(...refundStatuses),
  },
  { requiredKeys: ['kind', 'occurredAtMs', 'id', 'references', 'status'] },
);
const dispute = fc.record(
  {
    ...common,
    kind: fc.constant('dispute' as const),
    id: fc.constantFrom('dp_1', 'dp_2'),
    references,
    status: fc.constantFrom(...disputeStatuses),
    funds: fc.constantFrom('none' as const, 'withdrawn' as const, 'reinstated' as const),
  },
  { requiredKeys: ['kind', 'occurredAtMs', 'id', 'references'] },
);
const payout = fc.record(
  {
    ...common,
    kind: fc.constant('payout' as const),
    id: fc.constant('po_1'),
    status: fc.constantFrom(...payoutStatuses),
    failureCode: fc.constantFrom('account_closed', 'no_account'),
  },
  { requiredKeys: ['kind', 'occurredAtMs', 'id', 'status'] },
);

/** Facts of any canonical type, fetched ones and staged ones among them; at least one for each fold. */
const someFacts = fc
  .tuple(
    fc.oneof(payment, refund, dispute),
    payout,
    fc.array(fc.oneof(payment, refund, dispute, payout), { maxLength: 10 }),
  )
  .map(([first, second, others]) => keyed([first, second, ...others]));

describe('facts of every canonical type, tied and fetched ones among them', () => {
  const types: readonly CanonicalType[] = [
    ...paymentStatuses.map((status) => `payment.${status}` as const),
    ...refundStatuses.map((status) => `refund.${status}` as const),
    ...disputeStatuses.map((status) => `dispute.${status}` as const),
    ...payoutStatuses.map((status) => `payout.${status}` as const),
    'payment.updated',
    'dispute.updated',
  ];

  it('come to the same rows for every order and repetition, at once and one by one', () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(
        someFacts.chain((known) => fc.tuple(fc.constant(known), redelivered(known))),
        ([known, arrived]) => {
          for (const { fact } of known) met.add(`${canonicalType(fact)}${fact.snapshot === true ? ' fetched' : ''}`);
          const rows = rowsOf(known);
          expect(rowsOf(arrived)).toEqual(rows);
          const stored = new Map<string, KeyedFact>();
          for (const each of arrived) stored.set(each.eventId, each);
          expect(rowsOf([...stored.values()])).toEqual(rows);
        },
      ),
      { numRuns: 2_000 },
    );
    // Nothing of the vocabulary is left out.
    expect([...types, ...types.map((type) => `${type} fetched`)].filter((type) => !met.has(type))).toEqual([]);
  });
});

/** What is said, and in which second it happened. */
type Told = readonly [second: number, say: (occurredAtMs: number) => PaymentFact];

describe('a life ends the same in whatever order it is told', () => {
  const captured = { key: 'total', amount: 1_000 };
  const lives: readonly { readonly life: string; readonly told: readonly Told[]; readonly ends: object }[] = [
    {
      life: 'a refund is known before its payment, of the same second',
      told: [
        [1, aRefund('re_1', 'succeeded', 300)],
        [1, aPayment({ status: 'captured', captured })],
      ],
      ends: {
        payment: { status: 'captured', amountRefunded: 300, refundState: 'partial', needsFetch: false, conflict: null },
      },
    },
    {
      life: 'several refunds, of which one comes back',
      told: [
        [1, aPayment({ status: 'captured', captured })],
        [2, aRefund('re_1', 'succeeded', 300)],
        [2, aRefund('re_2', 'pending', 200)],
        [2, aRefund('re_2', 'succeeded', 200)],
        [2, aRefund('re_3', 'succeeded', 100)],
        [3, aRefund('re_3', 'failed', 100)],
      ],
      ends: { payment: { amountRefunded: 500, refundState: 'partial', conflict: null } },
    },
    {
      life: 'partial captures of one second',
      told: [
        [1, aPayment({ status: 'authorized', amount: 1_000 })],
        [1, aPayment({ status: 'partially_captured', captured: { key: 'a', amount: 300 } })],
        [1, aPayment({ status: 'partially_captured', captured: { key: 'b', amount: 400 } })],
      ],
      ends: { payment: { status: 'partially_captured', amountCaptured: 700, conflict: null } },
    },
    {
      life: 'attempts that fail, retried within the second',
      told: [
        [1, aPayment({ status: 'created' })],
        [1, aPayment({ status: 'failed', failureCode: 'card_declined' })],
        [1, aPayment({ status: 'failed', failureCode: 'expired_card' })],
        [1, aPayment({ status: 'captured', captured })],
      ],
      ends: { payment: { status: 'captured', failureCode: null, conflict: null } },
    },
    {
      life: 'a dispute is lost, reopened and won',
      told: [
        [1, aDispute({ status: 'needs_response', funds: 'withdrawn' })],
        [2, aDispute({ status: 'lost' })],
        [3, aDispute({ status: 'under_review' })],
        [4, aDispute({ status: 'won' })],
        [4, aDispute({ funds: 'reinstated' })],
      ],
      ends: { payment: { disputeState: 'won' }, disputes: [{ status: 'won', funds: 'reinstated', version: 5 }] },
    },
    {
      life: 'a dispute is lost and reopened',
      told: [
        [1, aDispute({ status: 'needs_response' })],
        [2, aDispute({ status: 'lost' })],
        [3, aDispute({ status: 'under_review' })],
      ],
      ends: { payment: { disputeState: 'open' }, disputes: [{ status: 'under_review' }] },
    },
    {
      life: 'a fetched status settles what contradicts itself, whatever of it comes later',
      told: [
        [1, aPayment({ status: 'captured', captured })],
        [2, aPayment({ status: 'canceled' })],
        [3, aPayment({ snapshot: true, status: 'captured', captured: { key: 'total', amount: 900 } })],
        [3, aRefund('re_1', 'succeeded', 100)],
      ],
      ends: { payment: { status: 'partially_captured', amountCaptured: 900, amountRefunded: 100, conflict: null } },
    },
  ];

  test.each(lives)('$life', ({ told, ends }) => {
    everyOrder(told, (arrived) => expect(foldPayment(arrived)).toMatchObject(ends));
  });

  test('a payout is paid, and then fails', () => {
    const told: readonly Told[] = [
      [1, aPayout('pending')],
      [2, aPayout('in_transit')],
      [3, aPayout('paid')],
      [3, aPayout('failed', 'account_closed')],
    ];
    everyOrder(told, (arrived) =>
      expect(foldPayout(arrived)).toMatchObject({ status: 'failed', failureCode: 'account_closed', version: 4 }),
    );
  });
});

/** Checks every order of them, each with one that is told twice. */
function everyOrder(told: readonly Told[], check: (arrived: readonly KeyedFact[]) => void): void {
  const facts = keyed(told.map(([second, say]) => say(second * 1_000)));
  for (const [position, order] of permutations(facts).entries())
    check([...order, ...order.slice(position % order.length, (position % order.length) + 1)]);
}

function permutations<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, position) =>
    permutations(items.toSpliced(position, 1)).map((others) => [item, ...others]),
  );
}

function keyed(facts: readonly PaymentFact[]): KeyedFact[] {
  return facts.map((fact, position) => ({ eventId: `evt_${position}`, ordinal: 0, fact }));
}

function rowsOf(known: readonly KeyedFact[]): { readonly family: PaymentFamily; readonly payout: PayoutState } {
  return { family: foldPayment(known), payout: foldPayout(known) };
}

function aPayment(said: Partial<FactOf<'payment'>>): Told[1] {
  return (occurredAtMs) => ({
    kind: 'payment',
    references: ['charge:c'],
    amount: 1_000,
    currency: 'EUR',
    ...said,
    occurredAtMs,
  });
}

function aRefund(id: string, status: FactOf<'refund'>['status'], amount: number): Told[1] {
  return (occurredAtMs) => ({ kind: 'refund', occurredAtMs, id, references: ['charge:c'], status, amount });
}

function aDispute(said: Partial<FactOf<'dispute'>>): Told[1] {
  return (occurredAtMs) => ({ kind: 'dispute', id: 'dp_1', references: ['charge:c'], ...said, occurredAtMs });
}

function aPayout(status: FactOf<'payout'>['status'], failureCode?: string): Told[1] {
  return (occurredAtMs) => ({
    kind: 'payout',
    occurredAtMs,
    id: 'po_1',
    status,
    ...(failureCode === undefined ? {} : { failureCode }),
  });
}
