import { PermanentError } from './failure.ts';

/**
 * Reads a provider's decimal string (`10.5`, `100`, `-3.00`) as an integer of
 * the currency's ISO 4217 minor unit (cents for EUR, yen for JPY), exactly:
 * no float is involved.
 *
 * Throws PermanentError `malformed_amount` for anything that is not a plain
 * decimal number, for more fraction digits than the currency has (zeros
 * excepted), and beyond Number.MAX_SAFE_INTEGER.
 */
export function minorUnits(decimal: string, currency: string): number {
  const exponent = exponentOf(currency);
  const parts =
    decimal.length <= DECIMAL_CHARACTERS_MAX
      ? /^(?<sign>-?)(?<whole>\d+)(?:\.(?<fraction>\d+))?$/.exec(decimal)?.groups
      : undefined;
  if (parts === undefined) throw malformedAmount('it is not a plain decimal number');
  const fraction = parts['fraction'] ?? '';
  if (/[1-9]/.test(fraction.slice(exponent)))
    throw malformedAmount(`it has more than the ${exponent} fraction digits of its currency`);
  const digits = `${parts['whole']}${fraction.slice(0, exponent).padEnd(exponent, '0')}`;
  return exactNumber(BigInt(`${parts['sign']}${digits}`));
}

/**
 * Reads a JSON number of major units (`10.5`, `1500`) as minor units. What
 * JSON.parse made of it is written out in the shortest form that reads back
 * the same, which is the form it came in for up to 15 significant digits.
 * Throws as {@link minorUnits} does.
 */
export function minorUnitsOfNumber(amount: number, currency: string): number {
  if (!Number.isFinite(amount) || Math.abs(amount) >= 1e15)
    throw malformedAmount('it is beyond what a number holds exactly');
  return minorUnits(String(amount), currency);
}

/**
 * Reads an integer amount from Stripe as ISO 4217 minor units. The two are the
 * same number but for three currencies, by Stripe's documentation on
 * zero-decimal currencies and its special cases
 * (docs.stripe.com/currencies#zero-decimal):
 *
 * - ISK and UGX have no minor unit in ISO 4217 but are sent with two decimals,
 *   always `00`, for backwards compatibility: divided by 100.
 * - MGA has two in ISO 4217 but is sent without: multiplied by 100.
 *
 * Three-decimal currencies are sent in thousandths (the last digit is 0).
 * Throws PermanentError `malformed_amount` for what is not a safe integer and
 * for a fraction of a króna or shilling.
 */
export function stripeMinorUnits(amount: number, currency: string): number {
  if (!Number.isSafeInteger(amount)) throw malformedAmount('it is not a safe integer');
  const units = BigInt(amount);
  const code = currency.toUpperCase();
  if (code === 'MGA') return exactNumber(units * 100n);
  if (code !== 'ISK' && code !== 'UGX') return exactNumber(units);
  if (units % 100n !== 0n) throw malformedAmount(`${code} amounts from Stripe are multiples of 100`);
  return exactNumber(units / 100n);
}

/** `12.34 EUR`, `500 JPY`, `-3.00 USD`: for people. Throws PermanentError `malformed_amount` unless `minor` is a safe integer. */
export function formatMoney(minor: number, currency: string): string {
  if (!Number.isSafeInteger(minor)) throw malformedAmount('it is not a safe integer');
  const exponent = exponentOf(currency);
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = exponent === 0 ? '' : `.${digits.slice(-exponent)}`;
  return `${minor < 0 ? '-' : ''}${whole}${fraction} ${currency.toUpperCase()}`;
}

/** PayPal allows 32 characters; more than this is no amount of money. */
const DECIMAL_CHARACTERS_MAX = 64;

/** ISO 4217 minor units where they are not 2. A code missing here, known or not, has 2. */
const exponents: ReadonlyMap<string, number> = new Map([
  ...[
    'BIF',
    'CLP',
    'DJF',
    'GNF',
    'ISK',
    'JPY',
    'KMF',
    'KRW',
    'PYG',
    'RWF',
    'UGX',
    'UYI',
    'VND',
    'VUV',
    'XAF',
    'XOF',
    'XPF',
  ].map((code) => [code, 0] as const),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3] as const),
  ...['CLF', 'UYW'].map((code) => [code, 4] as const),
]);

/** Digits of a currency's minor unit: 2 for EUR, 0 for JPY. Throws PermanentError `malformed_amount` for what is no code. */
export function exponentOf(currency: string): number {
  if (!/^[A-Za-z]{3}$/.test(currency)) throw malformedAmount('its currency is not a three-letter ISO 4217 code');
  return exponents.get(currency.toUpperCase()) ?? 2;
}

function exactNumber(units: bigint): number {
  const amount = Number(units);
  if (!Number.isSafeInteger(amount)) throw malformedAmount('it is beyond what a number holds exactly');
  return amount;
}

/** The message tells which rule was broken, never the amount itself: failures are logged. */
function malformedAmount(reason: string): PermanentError {
  return new PermanentError(
    'malformed_amount',
    `An amount of the event cannot be read: ${reason}. Mend the translation of this provider's amounts, then have the provider send the event again.`,
  );
}
