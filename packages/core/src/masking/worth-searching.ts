import { isIbanCountry } from './ibans.ts';

/** What a character is to the patterns; everything that is not ASCII is `unsure`. */
const OTHER = 0;
const DIGIT = 1;
const LETTER = 2;
/** Stands within a number: white space and `. - _ / ( )`. */
const SEPARATOR = 3;
/** An address, an escape, a telephone number's plus. */
const UNSURE = 4;

/** A longer text is worth it. */
const BYTES_MAX = 16 * 1024;
const encoder = new TextEncoder();
const bytes = new Uint8Array(BYTES_MAX);

const classes = new Uint8Array(0x80).fill(OTHER);
for (const [characters, kind] of [
  ['0123456789', DIGIT],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', LETTER],
  [' \t\n\v\f\r.-_/()', SEPARATOR],
  ['@\\%+', UNSURE],
] as const)
  for (const character of characters) classes[character.charCodeAt(0)] = kind;

/** A national telephone number has fewest. */
const PHONE_DIGITS_LEAST = 9;
const CARD_DIGITS_LEAST = 13;
const SEPARATORS_MOST = 3;

/**
 * Whether a text can hold anything that is looked for: one look at each
 * character, where the patterns take some twenty. What they find is an address,
 * a number after a plus, an account number (a country's two letters and two
 * digits, where no letter or digit stands before), or a number: digits in groups
 * that touch no letter, with at most three separators between two. Of a card it
 * has thirteen digits or more. Of a telephone nine, and it begins neither within
 * a word nor after a point or hyphen, as a UUID's groups do; nor are points alone
 * between groups of at most three, as in an address of the network.
 *
 * Where this says no, none of them finds anything (worth-searching.test.ts).
 */
export function isWorthSearching(text: string): boolean {
  // Bytes, since V8 asks a string anew for each of its characters where it has seen strings of many makes: three times as long.
  const { read, written } = encoder.encodeInto(text, bytes);
  if (read < text.length) return true;
  // Of the number under way: the digits of its whole groups, and what it is.
  let digits = 0;
  let beginsPhone = false;
  let isAddressLike = true;
  let separators = 0;
  let group = 0;
  let isAfterLetter = false;
  let before = OTHER;
  let unitBefore = 0;
  for (let position = 0; position <= written; position += 1) {
    const unit = position === written ? 0 : (bytes[position] ?? 0);
    const kind = classes[unit] ?? UNSURE;
    if (kind === UNSURE) return true;
    if (kind === DIGIT) {
      if (before !== DIGIT) {
        isAfterLetter = before === LETTER;
        if (!isAfterLetter && unitBefore !== POINT && unitBefore !== HYPHEN && unitBefore !== UNDERSCORE)
          beginsPhone = true;
      }
      group += 1;
      separators = 0;
      if (group === 2 && isAfterLetter && isIbanBeginning(position - 3)) return true;
    } else {
      if (kind !== LETTER && group > 0 && !isAfterLetter) {
        digits += group;
        if (group > 3) isAddressLike = false;
        if (digits >= (beginsPhone && !isAddressLike ? PHONE_DIGITS_LEAST : CARD_DIGITS_LEAST)) return true;
      }
      group = 0;
      separators += 1;
      if (kind !== SEPARATOR || separators > SEPARATORS_MOST) {
        separators = 0;
        digits = 0;
        beginsPhone = false;
        isAddressLike = true;
      } else if (digits > 0 && (separators > 1 || unit !== POINT)) isAddressLike = false;
    }
    before = kind;
    unitBefore = unit;
  }
  return false;
}

const HYPHEN = 0x2d;
const POINT = 0x2e;
const UNDERSCORE = 0x5f;

/** Whether a country's two letters begin here, at the beginning of a word; two digits follow. */
function isIbanBeginning(position: number): boolean {
  const outside = position > 0 ? classes[bytes[position - 1] ?? 0] : OTHER;
  if (outside === LETTER || outside === DIGIT) return false;
  return isIbanCountry(String.fromCharCode(bytes[position] ?? 0, bytes[position + 1] ?? 0));
}
