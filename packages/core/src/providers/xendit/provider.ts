import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { createXenditConfirmer } from './confirm.ts';
import { confirmationSettings } from './settings.ts';
import { translateXenditAnswer } from './translate.ts';
import { createXenditVerifier } from './verify.ts';

export const xendit: Provider = {
  id: 'xendit',
  mediaType: 'application/json',
  eventTypes: words(`
    payment.capture payment.authorization payment.failure payment_token.activation payment_token.failure
    payment_token.expiry refund.succeeded refund.failed invoice unknown
  `),
  documentation: {
    title: 'Xendit',
    signatureIn: '`x-callback-token`: the account’s token as it is',
    window: 'none: nothing is signed',
    retries: 'six times, after 15 minutes, 45 minutes, two hours and longer; an answer within 30 s',
    covers: 'payments and refunds of the payments API, invoices',
    setup: [
      'In Settings → Webhooks, set the URL /webhooks/<endpoint> for payment status, refunds and invoices.',
      'Put the webhook verification token first in `secrets`, and a secret API key with read access into `apiKey`: the worker fetches each payment, refund and invoice and acts on the answer alone.',
    ],
    source:
      'docs.xendit.co/apidocs/payment-webhook-notification, /get-payment, /get-a-refund; xendit-node docs/Invoice.md',
  },
  createVerifier: createXenditVerifier,
  // Nothing of the body is signed.
  translate: () => [],
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createXenditConfirmer,
    translate: translateXenditAnswer,
  },
  // The body is believed in nothing but the name of what to ask about, which the event id holds.
  statesSameEvent: () => true,
};
