import * as z from 'zod';
import { minorUnits } from '../../money.ts';

/** Charges carry numbers, refunds the same number as text: both are documented. */
export const amountFrom = z.union([
  z.int().nonnegative().transform(String),
  z.string().regex(/^\d{1,15}$/, 'must be a whole number'),
]);

/**
 * Paystack's amounts are hundredths in every currency, those without a minor
 * unit (XOF, RWF) included. Source: PaystackOSS/plugin-payment-forms-for-wordpress,
 * which multiplies by 100 whatever the currency. Throws PermanentError
 * `malformed_amount` where hundredths are left over.
 */
export function paystackMinorUnits(hundredths: string, currency: string): number {
  const digits = hundredths.padStart(3, '0');
  return minorUnits(`${digits.slice(0, -2)}.${digits.slice(-2)}`, currency);
}
