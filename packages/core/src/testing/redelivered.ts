import fc from 'fast-check';
import type { KeyedFact } from '../payment.ts';

/** The same facts in any order, some of them several times. */
export function redelivered(facts: readonly KeyedFact[]): fc.Arbitrary<KeyedFact[]> {
  return fc
    .tuple(fc.shuffledSubarray([...facts], { minLength: facts.length }), fc.array(fc.nat(), { maxLength: 5 }))
    .map(([shuffled, repeats]) =>
      repeats.reduce(
        (sent, repeat) =>
          sent.toSpliced(
            repeat % (sent.length + 1),
            0,
            ...shuffled.slice(repeat % shuffled.length, (repeat % shuffled.length) + 1),
          ),
        shuffled,
      ),
    );
}
