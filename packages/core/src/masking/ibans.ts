import type { Finding } from './finding.ts';

/**
 * International bank account numbers (ISO 13616): a country of the registry, its
 * length, and the check of ISO 7064 (mod 97), in one piece or in groups.
 */
export function findIbans(text: string): readonly Finding[] {
  const found: Finding[] = [];
  for (const { index: start } of text.matchAll(beginnings)) {
    const length = lengthIn(text.slice(start, start + 2));
    if (length === undefined) continue;
    const end = endOf(text, start, length);
    if (end !== null) found.push({ kind: 'iban', start, end });
  }
  return found;
}

/** Whether account numbers of this country are in the registry; its two letters are in either case. */
export function isIbanCountry(letters: string): boolean {
  return lengthIn(letters) !== undefined;
}

function lengthIn(country: string): number | undefined {
  return lengths.get(country.toUpperCase());
}

const beginnings = /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}/g;

/** Where the account number ends that begins here; null where there is none. */
function endOf(text: string, start: number, length: number): number | null {
  let characters = '';
  let position = start;
  let gap = 0;
  while (characters.length < length && position < text.length) {
    const character = text.charAt(position);
    if (/[A-Za-z0-9]/.test(character)) {
      characters += character.toUpperCase();
      gap = 0;
    } else if (/[\s.\-_]/.test(character) && gap < 3) gap += 1;
    else return null;
    position += 1;
  }
  const isWhole = characters.length === length && !/[A-Za-z0-9]/.test(text.charAt(position));
  return isWhole && passesCheck(characters) ? position : null;
}

function passesCheck(iban: string): boolean {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Source: SWIFT, IBAN Registry. */
const lengths: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FK FI FO GL NL SD',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU MN XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'LY PT ST',
    26: 'IS TR',
    27: 'BI DJ FR GR IT MC MR SM',
    28: 'AL AZ BY CY DO GT HN HU LB NI PL SV',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU YE',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) => countries.split(' ').map((country) => [country, Number(length)])),
);
