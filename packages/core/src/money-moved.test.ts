import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captured, dispute, keyed, payment, refund } from './fixtures/given-facts.ts';
import { moneyMoved, type MoneyMoved } from './money-moved.ts';
import { foldPayment, type KeyedFact, type PaymentFamily } from './payment.ts';

const facts = keyed([
  payment(1, { status: 'authorized', amount: 1000, currency: 'EUR' }),
  captured(2, 300, 'first'),
  captured(3, 700, 'second'),
  refund(4, { amount: 200 }),
  refund(5, { id: 're_2', status: 'failed', amount: 400 }),
  refund(6, { id: 're_2', status: 'succeeded', amount: 400 }),
  dispute(7, { status: 'inquiry' }),
  dispute(8, { status: 'needs_response' }),
  dispute(9, { status: 'won' }),
]);

test('whatever order an event comes in, and however often, what was counted comes to what stands in the end', () => {
  const arrivals = fc.shuffledSubarray([...facts, ...facts], { minLength: 1 });
  fc.assert(
    fc.property(arrivals, (arriving) => {
      const counted: MoneyMoved[] = [];
      const known: KeyedFact[] = [];
      for (const fact of arriving) {
        const before = known.length === 0 ? [] : [foldPayment(known)];
        known.push(fact);
        counted.push(...moneyMoved(before, [foldPayment(known)]));
      }
      expect(net(counted)).toEqual(net(moneyMoved([], [foldPayment(known)])));
      expect(counted.every(({ minorUnits }) => minorUnits > 0)).toBe(true);
    }),
  );
});

test('two payments that turn out to be one move only what their union adds', () => {
  const one = foldPayment(keyed([captured(1, 300, 'first')]));
  const other = foldPayment(keyed([captured(2, 700, 'second')]));
  const union = foldPayment([
    ...keyed([captured(1, 300, 'first'), captured(2, 700, 'second'), refund(3, { amount: 50 })]),
  ]);
  expect(moneyMoved([one, other], [union])).toEqual([{ movement: 'refunded', currency: 'EUR', minorUnits: 50 }]);
});

test('an amount is told once its currency is known, in upper case', () => {
  const unknown: PaymentFamily = foldPayment(keyed([payment(1, { captured: { key: 'total', amount: 5 } })]));
  const known = foldPayment(
    keyed([payment(1, { captured: { key: 'total', amount: 5 } }), payment(2, { currency: 'jpy' })]),
  );
  expect(moneyMoved([], [unknown])).toEqual([]);
  expect(moneyMoved([unknown], [known])).toEqual([{ movement: 'captured', currency: 'JPY', minorUnits: 5 }]);
});

test('an inquiry takes no money; a dispute does, and gives it back when it is won', () => {
  const asked = foldPayment(keyed([captured(1, 1000), dispute(2, { status: 'inquiry' })]));
  const open = foldPayment(keyed([captured(1, 1000), dispute(2, { status: 'needs_response' })]));
  const won = foldPayment(keyed([captured(1, 1000), dispute(2, { status: 'won' })]));
  expect(moneyMoved([], [asked])).toEqual([{ movement: 'captured', currency: 'EUR', minorUnits: 1000 }]);
  expect(moneyMoved([asked], [open])).toEqual([{ movement: 'disputed', currency: 'EUR', minorUnits: 1000 }]);
  expect(moneyMoved([open], [won])).toEqual([{ movement: 'disputed_reversed', currency: 'EUR', minorUnits: 1000 }]);
});

function net(moved: readonly MoneyMoved[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { movement, currency, minorUnits } of moved) {
    const reversed = movement.endsWith('_reversed');
    const place = `${movement.replace(/_reversed$/, '')} ${currency}`;
    sums[place] = (sums[place] ?? 0) + (reversed ? -minorUnits : minorUnits);
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
}
