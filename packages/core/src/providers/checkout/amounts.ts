import { minorUnits } from '../../money.ts';
import { malformedEvent } from '../event-body.ts';

/**
 * An amount from Checkout.com as ISO 4217 minor units. The two are the same
 * number (whole units for JPY and its like, thousandths for BHD and its like,
 * hundredths for the rest) but for CLP, which has no minor unit in ISO 4217
 * and is sent in hundredths that end in 00. CLF, UYI and UYW, whose minor units
 * in ISO 4217 are not hundredths either, are in no list of Checkout.com's:
 * refused rather than guessed. Throws PermanentError.
 * Source: checkout.com/docs, "Format the amount value".
 */
export function checkoutMinorUnits(amount: number, currency: string): number {
  if (['CLF', 'UYI', 'UYW'].includes(currency))
    throw malformedEvent(`its amount is in ${currency}, which has no documented unit`);
  if (currency !== 'CLP') return amount;
  const digits = String(amount).padStart(3, '0');
  return minorUnits(`${digits.slice(0, -2)}.${digits.slice(-2)}`, currency);
}
