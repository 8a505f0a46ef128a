import type { Random } from '../fuzz/random.ts';

/** Something personal, as it may be written. */
export interface Seed {
  readonly text: string;
  /** What must not be found in anything that is shown, once all but letters and digits is folded away. */
  readonly secret: string;
}

/** Every way of writing that is found; the name says what and how. */
export const cases: Readonly<Record<string, (random: Random) => Seed>> = {
  'Visa, 16 digits': (random) => card(random, '4', 16),
  'Visa, 13 digits': (random) => card(random, '4', 13),
  'Visa, 19 digits': (random) => card(random, '4', 19),
  Mastercard: (random) => card(random, '54', 16),
  'Mastercard of the 2 series': (random) => card(random, '2223', 16),
  'American Express': (random) => card(random, '37', 15),
  Discover: (random) => card(random, '6011', 16),
  JCB: (random) => card(random, '3530', 16),
  'Diners Club, 14 digits': (random) => card(random, '36', 14),
  UnionPay: (random) => card(random, '62', 16),
  Maestro: (random) => card(random, '6759', 18),
  'card in spaced fours': (random) => written(card(random, '4', 16), (text) => inGroups(text, [4, 4, 4, 4], ' ')),
  'American Express, spaced 4-6-5': (random) =>
    written(card(random, '34', 15), (text) => inGroups(text, [4, 6, 5], ' ')),
  'card in dashed fours': (random) => written(card(random, '55', 16), (text) => inGroups(text, [4, 4, 4, 4], '-')),
  'card in dotted fours': (random) => written(card(random, '4', 16), (text) => inGroups(text, [4, 4, 4, 4], '.')),
  'card with no-break spaces': (random) =>
    written(card(random, '4', 16), (text) => inGroups(text, [4, 4, 4, 4], '\u00a0')),
  'card with en dashes': (random) => written(card(random, '4', 16), (text) => inGroups(text, [4, 4, 4, 4], ' – ')),
  'card in full-width digits': (random) => written(card(random, '4', 16), (text) => fromZero(text, 0xff10)),
  'card in Arabic-Indic digits': (random) => written(card(random, '51', 16), (text) => fromZero(text, 0x0660)),
  'card in Devanagari digits': (random) => written(card(random, '4', 16), (text) => fromZero(text, 0x0966)),
  'card split by zero-width spaces': (random) =>
    written(card(random, '4', 16), (text) => inGroups(text, [4, 4, 4, 4], '\u200b')),
  'card split by soft hyphens': (random) => written(card(random, '4', 16), (text) => [...text].join('\u00ad')),
  'card digit by digit': (random) => written(card(random, '4', 16), (text) => [...text].join(' ')),
  'card with its expiry date': (random) =>
    written(card(random, '4', 16), (text) => `${inGroups(text, [4, 4, 4, 4], ' ')} 12/29`),
  'card in a sentence': (random) => written(card(random, '5105', 16), (text) => `paid with ${text}, thanks`),
  'card in a query': (random) =>
    written(card(random, '4', 16), (text) => `https://shop.example/pay?pan=${text}&cvc=123`),
  'card on a line of its own': (random) => written(card(random, '4', 16), (text) => `card:\n${text}\n`),
  'German IBAN': (random) => iban(random, 'DE', 18),
  'British IBAN': (random) => iban(random, 'GB', 18, 'NWBK'),
  'Dutch IBAN, spaced': (random) =>
    written(iban(random, 'NL', 14, 'ABNA'), (text) => text.replaceAll(/(.{4})/g, '$1 ')),
  'French IBAN, lower case': (random) => written(iban(random, 'FR', 23), (text) => text.toLowerCase()),
  'Norwegian IBAN, in a sentence': (random) => written(iban(random, 'NO', 11), (text) => `refund to ${text}.`),
  'IBAN split by zero-width spaces': (random) =>
    written(iban(random, 'ES', 20), (text) => text.replaceAll(/(.{4})/g, '$1\u200b')),
  'IBAN in full-width characters': (random) =>
    written(iban(random, 'AT', 16), (text) => [...text].map((unit) => shifted(unit, 0xfee0)).join('')),
  'e-mail address': (random) => email(random, (name) => `${name}@example.com`),
  'e-mail address with a tag': (random) => email(random, (name) => `${name}+shop@mail.example.co.uk`),
  'e-mail address in capitals': (random) => email(random, (name) => `${name.toUpperCase()}@EXAMPLE.COM`),
  'e-mail address in brackets': (random) => email(random, (name) => `Jane <${name}@example.com>`),
  'e-mail address as a link': (random) => email(random, (name) => `<a href="mailto:${name}@example.com">write</a>`),
  'e-mail address in a query': (random) => email(random, (name) => `https://x.example/?to=${name}%40example.com`),
  'e-mail address with a full-width at': (random) => email(random, (name) => `${name}＠example.com`),
  'e-mail address at an international domain': (random) => email(random, (name) => `${name}@bücher.example`),
  'e-mail address after a label': (random) => email(random, (name) => `email:${name}@example.com;`),
  'telephone number, E.164': (random) => phone(random, (n) => `+49151${n}`),
  'telephone number, spaced': (random) => phone(random, (n) => `+44 20 ${n.slice(0, 4)} ${n.slice(4)}`),
  'telephone number, North American with its country': (random) =>
    phone(random, (n) => `+1 (415) 5${n.slice(0, 2)}-${n.slice(2, 6)}`),
  'telephone number, North American': (random) => phone(random, (n) => `(415) 5${n.slice(0, 2)}-${n.slice(2, 6)}`),
  'telephone number, North American, dashed': (random) =>
    phone(random, (n) => `call 415-5${n.slice(0, 2)}-${n.slice(2, 6)} now`),
  'telephone number with 00': (random) => phone(random, (n) => `0044 20 ${n.slice(0, 4)} ${n.slice(4)}`),
  'telephone number, British': (random) => phone(random, (n) => `020 ${n.slice(0, 4)} ${n.slice(4)}`),
  'telephone number, French': (random) => phone(random, (n) => `06 ${n.replaceAll(/(..)/g, '$1 ').trim()}`),
  'telephone number in full-width digits': (random) => phone(random, (n) => `＋81 ${fromZero(`90${n}`, 0xff10)}`),
  'telephone number as a link': (random) => phone(random, (n) => `tel:+39${n}1`),
};

/** What a text comes to once all but letters and digits is folded away. */
export function folded(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x0660))
    .replaceAll(/[\u0966-\u096f]/g, (digit) => String(digit.charCodeAt(0) - 0x0966))
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
}

function written({ text, secret }: Seed, how: (text: string) => string): Seed {
  return { text: how(text), secret };
}

function card(random: Random, prefix: string, length: number): Seed {
  const digits = prefix + digitsOf(random, length - prefix.length - 1);
  const check = [...'0123456789'].find((digit) => luhn(digits + digit) === 0) ?? '';
  return { text: digits + check, secret: digits + check };
}

function luhn(digits: string): number {
  return (
    [...digits].toReversed().reduce((sum, digit, place) => {
      const value = Number(digit) * (place % 2 === 0 ? 1 : 2);
      return sum + (value > 9 ? value - 9 : value);
    }, 0) % 10
  );
}

function iban(random: Random, country: string, length: number, bank = ''): Seed {
  const account = bank + digitsOf(random, length - bank.length);
  const rest = [...`${account}${country}00`].map((unit) => Number.parseInt(unit, 36)).join('');
  const text = `${country}${String(98n - (BigInt(rest) % 97n)).padStart(2, '0')}${account}`;
  return { text, secret: text.toLowerCase() };
}

function email(random: Random, address: (name: string) => string): Seed {
  const secret = `q${Array.from({ length: 9 }, () => 'bcdfghjklmnpqrstvwxz'.charAt(random.below(20))).join('')}`;
  return { text: address(secret), secret };
}

function phone(random: Random, number: (digits: string) => string): Seed {
  const text = number(`4${digitsOf(random, 7)}`);
  return { text, secret: folded(text).replaceAll(/\D/g, '') };
}

function digitsOf(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.below(10)).join('');
}

function inGroups(text: string, lengths: readonly number[], separator: string): string {
  let from = 0;
  return lengths.map((length) => text.slice(from, (from += length))).join(separator);
}

function fromZero(digits: string, zero: number): string {
  return [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join('');
}

function shifted(character: string, by: number): string {
  return String.fromCodePoint((character.codePointAt(0) ?? 0) + by);
}
