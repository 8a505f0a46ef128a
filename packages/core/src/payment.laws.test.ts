import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  disputeStatuses,
  refundStatuses,
  paymentStatuses,
  payoutStatuses,
  type FactOf,
  type PaymentFact,
  type PaymentStatus,
} from './payment-event.ts';
import { foldPayment, foldPayout, type KeyedFact } from './payment.ts';
import { redelivered } from './testing/redelivered.ts';

const RUNS = { numRuns: 1500 };

/** Steps of one clock second at the earliest, a third of them within the same second: Stripe's resolution. */
const gapMs = fc.oneof(
  { weight: 35, arbitrary: fc.constant(0) },
  { weight: 65, arbitrary: fc.integer({ min: 1, max: 100 }).map((seconds) => seconds * 1000) },
);

type Step = (occurredAtMs: number) => PaymentFact;

const total = 1000;
const step =
  (status: PaymentStatus, said: Partial<FactOf<'payment'>> = {}): Step =>
  (occurredAtMs) => ({
    kind: 'payment',
    occurredAtMs,
    references: ['payment_intent:pi_1', 'charge:ch_1'],
    status,
    amount: total,
    currency: 'EUR',
    ...said,
  });

/** Steps in the order they really happen, statuses rising, as a provider tells them. */
const opening = fc.constantFrom<Step[]>(
  [step('created')],
  [step('created'), step('requires_action')],
  [step('created'), step('requires_action'), step('pending')],
);
const failedAttempt = fc.constantFrom<Step[]>([], [step('failed', { failureCode: 'card_declined' })]);
const captureAmount = fc.integer({ min: 1, max: total });
const ending = fc.oneof(
  captureAmount.map((amount): Step[] => [step('authorized'), step('captured', { captured: { key: 'total', amount } })]),
  captureAmount.map((amount): Step[] => [step('captured', { captured: { key: 'total', amount } })]),
  fc.constant<Step[]>([step('authorized'), step('canceled')]),
  fc.constant<Step[]>([step('failed')]),
);
const refunding = fc
  .array(
    fc.record({
      amount: fc.integer({ min: 0, max: 700 }),
      statuses: fc.subarray([...refundStatuses], { minLength: 1 }),
    }),
    { maxLength: 3 },
  )
  .map((refunds) =>
    refunds.flatMap(({ amount, statuses }, index) =>
      statuses.map((status): Step => (occurredAtMs) => ({
        kind: 'refund',
        occurredAtMs,
        id: `re_${index}`,
        references: ['charge:ch_1'],
        status,
        amount,
        currency: 'EUR',
      })),
    ),
  );
const totals = fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 3 }).map((amounts) =>
  amounts.map((refundedTotal): Step => (occurredAtMs) => ({
    kind: 'payment',
    occurredAtMs,
    references: ['charge:ch_1'],
    refundedTotal,
  })),
);
const disputing = fc.subarray([...disputeStatuses]).map((statuses) =>
  statuses.map((status): Step => (occurredAtMs) => ({
    kind: 'dispute',
    occurredAtMs,
    id: 'dp_1',
    references: ['charge:ch_1'],
    status,
    funds: 'withdrawn',
  })),
);

/** A payment's whole life, in the order it happened. */
const lifecycle = fc
  .tuple(opening, failedAttempt, ending, refunding, totals, disputing)
  .chain(([open, failed, end, refunds, snapshots, disputes]) =>
    timed([...open, ...failed, ...end, ...refunds, ...snapshots, ...disputes]),
  );

const happyLifecycle = fc.tuple(opening, failedAttempt, captureAmount).chain(([open, failed, amount]) =>
  timed([...open, ...failed, step('captured', { captured: { key: 'total', amount } })]).map((facts) => ({
    facts,
    amount,
  })),
);

function timed(steps: readonly Step[]): fc.Arbitrary<KeyedFact[]> {
  return fc
    .tuple(
      fc.array(gapMs, { minLength: steps.length, maxLength: steps.length }),
      fc.shuffledSubarray(
        steps.map((_, index) => index),
        { minLength: steps.length },
      ),
    )
    .map(([gaps, eventNumbers]) => {
      let occurredAtMs = 1_700_000_000_000;
      return steps.map((say, index) => {
        occurredAtMs += gaps[index] ?? 0;
        return { eventId: `evt_${eventNumbers[index] ?? index}`, ordinal: 0, fact: say(occurredAtMs) };
      });
    });
}

describe('the fold of a payment', () => {
  it('is the same for any order and any repetition of its facts', () => {
    fc.assert(
      fc.property(
        lifecycle.chain((facts) => fc.tuple(fc.constant(facts), redelivered(facts))),
        ([facts, arrived]) => {
          expect(foldPayment(arrived)).toEqual(foldPayment(facts));
        },
      ),
      RUNS,
    );
  });

  it('does not change when a fact it knows arrives again, at any moment of arriving', () => {
    fc.assert(
      fc.property(
        lifecycle.chain((facts) => fc.tuple(redelivered(facts), fc.nat())),
        ([arrived, cut]) => {
          const known = arrived.slice(0, (cut % arrived.length) + 1);
          expect(foldPayment([...known, ...known.slice(-1)])).toEqual(foldPayment(known));
          expect(foldPayment([...known, ...known.slice(0, 1)])).toEqual(foldPayment(known));
        },
      ),
      RUNS,
    );
  });

  it('ends at the same rows whether folded after each arrival or once at the end', () => {
    fc.assert(
      fc.property(lifecycle.chain(redelivered), (arrived) => {
        const store = new Map<string, KeyedFact>();
        let rows = foldPayment(arrived.slice(0, 1));
        for (const keyed of arrived) {
          store.set(`${keyed.eventId}/${keyed.ordinal}`, keyed);
          const next = foldPayment([...store.values()]);
          expect(next.payment.version).toBeGreaterThanOrEqual(rows.payment.version);
          rows = next;
        }
        expect(rows).toEqual(foldPayment(arrived));
      }),
      RUNS,
    );
  });

  it('never has a negative or fractional amount, and a version that counts distinct facts', () => {
    fc.assert(
      fc.property(
        lifecycle.chain((facts) => fc.tuple(fc.constant(facts), redelivered(facts))),
        ([facts, arrived]) => {
          const { payment, refunds } = foldPayment(arrived);
          for (const amount of [
            payment.amountCaptured,
            payment.amountRefunded,
            payment.amount ?? 0,
            ...refunds.map((refund) => refund.amount ?? 0),
          ]) {
            expect(Number.isSafeInteger(amount) && amount >= 0).toBe(true);
          }
          expect(payment.version).toBe(facts.length);
          expect(payment.refundState === 'none').toBe(payment.amountRefunded === 0);
        },
      ),
      RUNS,
    );
  });

  it('ends captured, without conflict, for every payment that was, whatever shared its second', () => {
    fc.assert(
      fc.property(
        happyLifecycle.chain(({ facts, amount }) => fc.tuple(redelivered(facts), fc.constant(amount))),
        ([arrived, amount]) => {
          expect(foldPayment(arrived).payment).toMatchObject({
            status: amount < total ? 'partially_captured' : 'captured',
            amountCaptured: amount,
            conflict: null,
          });
        },
      ),
      RUNS,
    );
  });

  it('holds for facts of any content, not only for lives that make sense', () => {
    const anyPayment = fc.record(
      {
        kind: fc.constant('payment' as const),
        occurredAtMs: fc.nat({ max: 3 }),
        references: fc.constantFrom<FactOf<'payment'>['references']>(
          ['capture:b'],
          ['capture:a', 'order:o'],
          ['sale:s'],
        ),
        status: fc.constantFrom(...paymentStatuses),
        amount: fc.nat({ max: 9 }),
        currency: fc.constantFrom('EUR', 'USD'),
        captured: fc.record({ key: fc.constantFrom('a', 'b'), amount: fc.nat({ max: 9 }) }),
        refundedTotal: fc.nat({ max: 9 }),
      },
      { requiredKeys: ['kind', 'occurredAtMs', 'references'] },
    );
    const anyFacts = fc
      .array(anyPayment, { minLength: 1, maxLength: 6 })
      .map((facts) => facts.map((fact, index): KeyedFact => ({ eventId: `e${index}`, ordinal: index % 2, fact })));
    fc.assert(
      fc.property(
        anyFacts.chain((facts) => fc.tuple(fc.constant(facts), redelivered(facts))),
        ([facts, arrived]) => {
          expect(foldPayment(arrived)).toEqual(foldPayment(facts));
        },
      ),
      RUNS,
    );
  });
});

describe('the fold of a payout', () => {
  it('is the same for any order and any repetition of its facts', () => {
    const anyPayout = fc
      .array(fc.tuple(fc.constantFrom(...payoutStatuses), fc.nat({ max: 3 })), { minLength: 1, maxLength: 8 })
      .map((steps) =>
        steps.map(([status, second], index): KeyedFact => ({
          eventId: `evt_${index}`,
          ordinal: 0,
          fact: { kind: 'payout', occurredAtMs: second * 1000, id: 'po_1', status, amount: index },
        })),
      );
    fc.assert(
      fc.property(
        anyPayout.chain((facts) => fc.tuple(fc.constant(facts), redelivered(facts))),
        ([facts, arrived]) => {
          expect(foldPayout(arrived)).toEqual(foldPayout(facts));
        },
      ),
      RUNS,
    );
  });
});
