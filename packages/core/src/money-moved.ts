import { summarizeDisputes, type PaymentFamily } from './payment.ts';

/** Money that an event's facts moved, for counting. */
export interface MoneyMoved {
  /** What stands after it less what stood before; `*_reversed` where it became less. */
  readonly movement: Movement;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** Greater than zero. */
  readonly minorUnits: number;
}

const kinds = ['captured', 'refunded', 'disputed'] as const;
export type Movement = (typeof kinds)[number] | `${(typeof kinds)[number]}_reversed`;

/**
 * How an event changed what is captured, refunded and disputed. The
 * difference of two folds: facts that were known before move nothing again. An
 * amount without a currency is not told. Disputed is what is open or lost; an
 * inquiry takes no money.
 */
export function moneyMoved(before: readonly PaymentFamily[], after: readonly PaymentFamily[]): readonly MoneyMoved[] {
  const [was, is] = [standing(before), standing(after)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((place) => {
    const difference = (is.get(place)?.minorUnits ?? 0) - (was.get(place)?.minorUnits ?? 0);
    const found = is.get(place) ?? was.get(place);
    if (found === undefined || difference === 0) return [];
    const { kind, currency } = found;
    return [{ movement: difference > 0 ? kind : `${kind}_reversed`, currency, minorUnits: Math.abs(difference) }];
  });
}

interface Standing {
  readonly kind: (typeof kinds)[number];
  readonly currency: string;
  readonly minorUnits: number;
}

function standing(families: readonly PaymentFamily[]): ReadonlyMap<string, Standing> {
  const sums = new Map<string, Standing>();
  const add = (kind: Standing['kind'], code: string | null, minorUnits: number | null): void => {
    if (code === null || minorUnits === null || minorUnits === 0) return;
    const currency = code.toUpperCase();
    const place = `${kind} ${currency}`;
    sums.set(place, { kind, currency, minorUnits: (sums.get(place)?.minorUnits ?? 0) + minorUnits });
  };
  for (const { payment, disputes } of families) {
    add('captured', payment.currency, payment.amountCaptured);
    add('refunded', payment.currency, payment.amountRefunded);
    for (const dispute of disputes) {
      const state = summarizeDisputes([dispute]);
      if (state === 'open' || state === 'lost') add('disputed', dispute.currency ?? payment.currency, dispute.amount);
    }
  }
  return sums;
}
