import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { foldPayment, type KeyedFact, type PaymentFamily } from '../../payment.ts';
import { snapshotEvent, translateSnapshot } from '../../snapshot.ts';
import { redelivered } from '../../testing/redelivered.ts';
import { mollie } from './provider.ts';
import { translateMollieAnswer } from './translate.ts';

/** What becomes of a refund, in Mollie's words and in its order. */
const lives = [
  ['pending', 'processing', 'refunded'],
  ['queued', 'pending', 'refunded', 'failed'],
  ['pending', 'processing', 'failed'],
  ['queued', 'pending', 'canceled'],
] as const;
type Status = (typeof lives)[number][number];

interface Refund {
  readonly life: (typeof lives)[number];
  readonly cents: number;
  /** Of its life, how much is behind it. */
  readonly step: number;
}

/** Mollie does not document from when on a refund counts in `amountRefunded`: some count all that may still succeed. */
type Counting = 'standing' | 'refunded';

describe('what Mollie refunded', () => {
  const refund = fc.record({ life: fc.constantFrom(...lives), cents: fc.integer({ min: 1, max: 300 }) });
  const moments = fc.tuple(
    fc.array(refund, { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat(), { maxLength: 12 }),
    fc.constantFrom<Counting>('standing', 'refunded'),
  );

  /** The payment as it is rendered after each change of a refund. */
  const renderings = moments.map(([refunds, changes, counting]) => {
    let standing: readonly Refund[] = refunds.map((each) => ({ ...each, step: 0 }));
    const rendered = [rendering(standing, counting)];
    for (const change of changes) {
      standing = standing.map((each, position) =>
        position === change % standing.length ? { ...each, step: Math.min(each.step + 1, each.life.length - 1) } : each,
      );
      rendered.push(rendering(standing, counting));
    }
    return { rendered, refunded: sumOf(standing, ['refunded']) };
  });

  it('is what of its refunds succeeded, in whatever order its answers are folded, and whichever of them are', () => {
    fc.assert(
      fc.property(
        renderings.chain(({ rendered, refunded }) => {
          const answers = rendered.map((answer, position) => told(`tr_1.${position}`, answer));
          const last = answers.at(-1) ?? [];
          return fc.tuple(
            fc.subarray(answers).chain((some) => redelivered([...some.flat(), ...last])),
            fc.constant(refunded),
          );
        }),
        ([facts, refunded]) => {
          expect(foldPayment(facts).payment).toMatchObject({ amountRefunded: refunded, conflict: null });
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is so too where the payment was asked about on the way, before or after a change', () => {
    fc.assert(
      fc.property(
        renderings.chain(({ rendered, refunded }) =>
          fc.tuple(fc.constant(rendered), fc.constant(refunded), fc.nat({ max: rendered.length - 1 })),
        ),
        ([rendered, refunded, asked]) => {
          const last = rendered.length - 1;
          const facts = [
            ...fetched(rendered[asked] ?? '', 100 + asked),
            ...rendered.flatMap((answer, position) => (position === asked ? [] : told(`tr_1.${position}`, answer))),
            ...(asked === last ? [] : told(`tr_1.${last}`, rendered[last] ?? '')),
          ];
          expect(foldPayment(facts).payment).toMatchObject({ amountRefunded: refunded, conflict: null });
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test.each([
  ['canceled', '0.00'],
  ['canceled', null],
  ['failed', '0.00'],
  ['failed', null],
] as const)('a refund that is %s before it is processed takes nothing of the payment', (status, amountRefunded) => {
  const before = answerOf({ refunds: [{ status: 'pending', cents: 500 }], amountRefunded: '5.00' });
  const after = answerOf({ refunds: [{ status, cents: 500 }], amountRefunded });
  expect(folded([before, after])).toMatchObject({
    payment: { amountRefunded: 0, refundState: 'none', conflict: null },
    refunds: [{ status, amount: 500 }],
  });
});

test('a refund that is listed no more takes nothing of the payment', () => {
  const before = answerOf({ refunds: [{ status: 'pending', cents: 500 }], amountRefunded: '5.00' });
  const after = answerOf({ refunds: [], amountRefunded: null });
  expect(folded([before, after])).toMatchObject({ payment: { amountRefunded: 0, refundState: 'none' } });
});

function rendering(refunds: readonly Refund[], counting: Counting): string {
  const counted = sumOf(
    refunds,
    counting === 'refunded' ? ['refunded'] : ['queued', 'pending', 'processing', 'refunded'],
  );
  return answerOf({
    refunds: refunds.map((each) => ({ status: statusOf(each), cents: each.cents })),
    amountRefunded: (counted / 100).toFixed(2),
  });
}

function statusOf({ life, step }: Refund): Status {
  return life[step] ?? life[0];
}

function sumOf(refunds: readonly Refund[], statuses: readonly Status[]): number {
  return refunds.reduce((sum, each) => sum + (statuses.includes(statusOf(each)) ? each.cents : 0), 0);
}

/** A payment of 10.00, paid at the beginning of the day, its refunds made a second after each other. */
function answerOf(said: {
  readonly refunds: readonly { readonly status: Status; readonly cents: number }[];
  readonly amountRefunded: string | null;
}): string {
  return JSON.stringify({
    resource: 'payment',
    id: 'tr_1',
    status: 'paid',
    amount: { value: '10.00', currency: 'EUR' },
    ...(said.amountRefunded === null ? {} : { amountRefunded: { value: said.amountRefunded, currency: 'EUR' } }),
    createdAt: '2026-03-01T00:00:00+00:00',
    paidAt: '2026-03-01T00:00:00+00:00',
    _embedded: {
      refunds: said.refunds.map(({ status, cents }, position) => ({
        resource: 'refund',
        id: `re_${position}`,
        status,
        amount: { value: (cents / 100).toFixed(2), currency: 'EUR' },
        createdAt: `2026-03-01T00:00:0${position + 1}+00:00`,
      })),
      chargebacks: [],
    },
  });
}

/** An answer as the facts of the event that it was fetched for. */
function told(eventId: string, answer: string): readonly KeyedFact[] {
  return translateMollieAnswer(Buffer.from('id=tr_1'), Buffer.from(answer)).map((fact, ordinal) => ({
    eventId,
    ordinal,
    fact,
  }));
}

/** The same as what was asked for so many seconds after the day began. */
function fetched(answer: string, second: number): readonly KeyedFact[] {
  if (mollie.snapshots === undefined) throw new Error('Mollie can be asked about a payment.');
  const asOf = new Date(Date.parse('2026-03-01T00:00:00Z') + second * 1_000);
  const { eventId, body } = snapshotEvent({ name: 'payment:tr_1', source: '', asOf, answer: Buffer.from(answer) });
  return translateSnapshot(mollie.snapshots, body).map((fact, ordinal) => ({ eventId, ordinal, fact }));
}

function folded(answers: readonly string[]): PaymentFamily {
  const facts = answers.flatMap((answer, position) => told(`tr_1.${position}`, answer));
  const family = foldPayment(facts);
  expect(foldPayment(facts.toReversed())).toEqual(family);
  return family;
}
