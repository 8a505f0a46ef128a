import { minorUnits } from '../../money.ts';

/**
 * Adyen's integer amount as ISO 4217 minor units. The two are the same number
 * but for four currencies, in which Adyen counts other decimals than the
 * standard (docs.adyen.com/development-resources/currency-codes): CLP and ISK
 * come with two instead of none, CVE and IDR with none instead of two.
 * Throws PermanentError `malformed_amount` for a fraction of a peso or króna.
 */
export function adyenMinorUnits(value: number, currency: string): number {
  const digits = String(value);
  switch (currency) {
    case 'CLP':
    case 'ISK': {
      const padded = digits.padStart(3, '0');
      return minorUnits(`${padded.slice(0, -2)}.${padded.slice(-2)}`, currency);
    }
    case 'CVE':
    case 'IDR':
      return minorUnits(digits, currency);
    default:
      return value;
  }
}
