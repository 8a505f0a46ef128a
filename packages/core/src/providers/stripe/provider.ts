import type { Provider } from '../../provider.ts';
import { statesSameStripeEvent } from './event.ts';
import { translateStripe } from './translate.ts';
import { createStripeVerifier } from './verify.ts';

export const stripe: Provider = {
  id: 'stripe',
  mediaType: 'application/json',
  createVerifier: createStripeVerifier,
  translate: translateStripe,
  statesSameEvent: statesSameStripeEvent,
};
