import type { Provider } from '../../provider.ts';
import { translatePayPal } from './translate.ts';
import { createPayPalVerifier } from './verify.ts';

export const paypal: Provider = {
  id: 'paypal',
  mediaType: 'application/json',
  createVerifier: createPayPalVerifier,
  translate: translatePayPal,
  // Offline verification proves only a CRC32 of the body, so no difference between two bodies is harmless.
  statesSameEvent: (stored, received) => stored.equals(received),
};
