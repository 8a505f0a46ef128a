import type { Finding } from './finding.ts';

/**
 * Telephone numbers that can be told from other digits: international ones (a
 * plus, or 00 and groups), North American ones in their usual grouping, and
 * national ones with a leading 0 in groups. Bare digits are amounts, times and
 * ids far more often; where a field's name says what they are, it is masked by that.
 */
export function findPhoneNumbers(text: string): readonly Finding[] {
  return patterns.flatMap(({ pattern, needs, digits: [least, most] }) =>
    // Most texts are done with by this look, which costs a hundredth of the pattern.
    needs !== '' && !text.includes(needs)
      ? []
      : [...text.matchAll(pattern)].flatMap(({ 0: match, index }) => {
          const count = match.replaceAll(/\D/g, '').length;
          return count < least || count > most
            ? []
            : [{ kind: 'phone' as const, start: index, end: index + match.length }];
        }),
  );
}

interface Pattern {
  readonly pattern: RegExp;
  /** What every match holds. */
  readonly needs: string;
  readonly digits: readonly [least: number, most: number];
}

const patterns: readonly Pattern[] = [
  // E.164: up to 15 digits, the country first. A group of two with a 0 begins another number.
  {
    pattern: /(?<![\p{L}\p{N}_+])\+ ?\(?[1-9](?:(?! 0\d[ -])[ .\-()/]{0,3}\d){6,14}(?!\d)/gu,
    needs: '+',
    digits: [8, 15],
  },
  { pattern: /(?<![\w.+-])00[ -]?[1-9]\d{0,2}(?:[ -]\(?\d{1,5}\)?){2,5}(?![\w-])/g, needs: '00', digits: [10, 17] },
  {
    pattern: /(?<![\w.+/-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-])/g,
    needs: '',
    digits: [10, 11],
  },
  {
    pattern: /(?<![\w.+/-]|\d:)\(?0\d{1,4}\)?(?<gap>[ -])\d{2,4}(?:\k<gap>\d{2,4}){1,4}(?![\w-])/g,
    needs: '0',
    digits: [9, 11],
  },
];
