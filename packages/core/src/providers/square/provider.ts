import type { Provider } from '../../provider.ts';
import { translateSquare } from './translate.ts';
import { createSquareVerifier } from './verify.ts';

export const square: Provider = {
  id: 'square',
  mediaType: 'application/json',
  documentation: {
    title: 'Square',
    signatureIn: '`x-square-hmacsha256-signature`',
    window: 'none: no time is signed',
    retries: 'up to 24 hours, then discarded',
    covers: 'payments, refunds, disputes',
    setup: [
      'Add a webhook subscription in the developer dashboard with the URL /webhooks/<endpoint>.',
      'Choose payment.*, refund.* and dispute.* events.',
      'Set the signature key as the first of `secrets`, and the URL, to the letter, as `notificationUrl`.',
    ],
    source: 'square-nodejs-sdk WebhooksHelper.ts; developer.squareup.com',
  },
  createVerifier: createSquareVerifier,
  translate: translateSquare,
  statesSameEvent: (stored, received) => stored.equals(received),
};
