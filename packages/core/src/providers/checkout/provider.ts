import type { Provider } from '../../provider.ts';
import { translateCheckout } from './translate.ts';
import { createCheckoutVerifier } from './verify.ts';

export const checkout: Provider = {
  id: 'checkout',
  mediaType: 'application/json',
  documentation: {
    title: 'Checkout.com',
    signatureIn: '`Cko-Signature`',
    window: 'none: no time is signed',
    retries: 'eight more times, after 5, 10, 15 and 30 minutes, 1, 4, 12 and 12 hours',
    covers: 'payments, refunds, disputes; not payouts',
    setup: [
      'Add a webhook in the dashboard, or a workflow with a webhook action, with the URL /webhooks/<endpoint>.',
      'Choose payment_* and dispute_* events.',
      'Set the signature key of the webhook as the first of `secrets`.',
    ],
    source: 'checkout.com/docs, "Receive webhooks", "Set up your webhook receiver", webhook event types',
  },
  createVerifier: createCheckoutVerifier,
  translate: translateCheckout,
  statesSameEvent: (stored, received) => stored.equals(received),
};
