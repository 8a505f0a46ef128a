import type { Finding } from './finding.ts';

/**
 * Card numbers: 13 to 19 digits of a scheme's own range and length that pass
 * Luhn (ISO/IEC 7812-1), in one piece or in groups parted alike. Random digits
 * of that length pass about once in thirty.
 */
export function findCardNumbers(text: string): readonly Finding[] {
  const found: Finding[] = [];
  for (const run of text.matchAll(runs)) {
    const groups = groupsOf(run[0], run.index);
    let first = 0;
    while (first < groups.length) {
      const last = cardFrom(text, groups, first);
      const start = groups[first]?.start;
      const end = last === null ? undefined : groups[last]?.end;
      if (last === null || start === undefined || end === undefined) first += 1;
      else {
        found.push({ kind: 'card', start, end });
        first = last + 1;
      }
    }
  }
  return found;
}

/** Thirteen digits or more, with up to three separators between two of them: `4242 - 4242`. */
const runs = /\d(?:[\s.\-_/]{0,3}\d){12,}/g;

interface Group {
  readonly start: number;
  readonly end: number;
  readonly digits: string;
  /** What parts it from the group before. */
  readonly separator: string;
}

function groupsOf(run: string, offset: number): readonly Group[] {
  return [...run.matchAll(/(?<separator>\D*)(?<digits>\d+)/g)].map(({ 0: whole, index, groups }) => {
    const digits = groups?.['digits'] ?? '';
    const end = offset + index + whole.length;
    return { start: end - digits.length, end, digits, separator: groups?.['separator'] ?? '' };
  });
}

/** The last group of the longest card number that begins with this group; null where none does. */
function cardFrom(text: string, groups: readonly Group[], first: number): number | null {
  const beginning = groups[first];
  if (beginning === undefined || isLetter(text.charAt(beginning.start - 1))) return null;
  let digits = '';
  let longest: number | null = null;
  for (let last = first; last < groups.length && digits.length <= 19; last += 1) {
    const group = groups[last];
    if (group === undefined || (last > first + 1 && group.separator !== groups[first + 1]?.separator)) break;
    digits += group.digits;
    if (isLetter(text.charAt(group.end)) || !isCardNumber(digits)) continue;
    // The digits after a point are a fraction, and those of a UUID an id.
    if (last === first && beginning.separator === '.') continue;
    if (!isInUuid(text, beginning.start)) longest = last;
  }
  return longest;
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}

function isInUuid(text: string, position: number): boolean {
  const around = text.slice(Math.max(0, position - 24), position + 36);
  return /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i.test(around);
}

/** Whether these digits are of a scheme's range and length, and pass Luhn. */
function isCardNumber(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19) return false;
  const leading = Number(digits.slice(0, 6));
  return ranges.some(
    ([from, to, lengths]) => leading >= from && leading <= to && lengths.includes(digits.length) && passesLuhn(digits),
  );
}

const anyLength = [13, 14, 15, 16, 17, 18, 19];

/** First six digits, from and to, and the lengths issued. Source: the schemes' published ranges. */
const ranges: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [400_000, 499_999, [13, 16, 19]], // Visa
  [510_000, 559_999, [16]], // Mastercard
  [222_100, 272_099, [16]],
  [340_000, 349_999, [15]], // American Express
  [370_000, 379_999, [15]],
  [300_000, 305_999, [14, 16]], // Diners Club
  [309_500, 309_599, [14, 16]],
  [360_000, 369_999, [14, 16]],
  [380_000, 399_999, [14, 16]],
  [352_800, 358_999, [16, 17, 18, 19]], // JCB
  [601_100, 601_199, [16, 17, 18, 19]], // Discover
  [644_000, 659_999, [16, 17, 18, 19]],
  [620_000, 629_999, [16, 17, 18, 19]], // UnionPay
  [810_000, 817_199, [16, 17, 18, 19]],
  [220_000, 220_499, [16, 17, 18, 19]], // Mir
  [979_200, 979_289, [16]], // Troy
  [506_000, 509_999, [16, 17, 18, 19]], // Elo, Verve, RuPay
  [606_900, 608_999, [16]], // RuPay
  [820_000, 829_999, [16]],
  [636_200, 636_399, [16]], // Elo
  [501_800, 502_099, anyLength], // Maestro, Dankort
  [503_800, 503_899, anyLength],
  [561_200, 561_299, anyLength],
  [589_300, 589_399, anyLength],
  [630_400, 630_499, anyLength],
  [675_900, 676_399, anyLength],
];

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let position = 0; position < digits.length; position += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - position) - 48;
    const doubled = digit * 2;
    if (position % 2 === 0) sum += digit;
    else sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
