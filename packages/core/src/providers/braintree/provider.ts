import type { Provider } from '../../provider.ts';
import { createBraintreeChallengeResponder } from './challenge.ts';
import { payloadSha256, readForm } from './form.ts';
import { translateBraintree } from './translate.ts';
import { createBraintreeVerifier } from './verify.ts';

export const braintree: Provider = {
  id: 'braintree',
  mediaType: 'application/x-www-form-urlencoded',
  documentation: {
    title: 'Braintree',
    signatureIn: 'the form fields `bt_signature` and `bt_payload`',
    window: 'none: the time in the payload is signed, but retries repeat it',
    retries: 'hourly, for 24 hours in production and 3 hours in the sandbox; 30 seconds a try',
    covers: 'transactions, subscription charges, local payments, failed refunds, disputes',
    setup: [
      'Set `<public key>|<private key>` of an API key as the first of `secrets`, and start: the URL must answer before it can be added.',
      'Add the URL /webhooks/<endpoint> under Settings, API, Webhooks in the control panel; it is asked to prove itself by a GET with bt_challenge.',
      'Choose the transaction, subscription, local payment, refund and dispute notifications.',
      'While an API key is replaced, list both pairs: Braintree signs with every key of the merchant.',
    ],
    source: 'braintree_node webhook_notification_gateway.js, digest.js; developer.paypal.com/braintree',
  },
  createVerifier: createBraintreeVerifier,
  createChallengeResponder: createBraintreeChallengeResponder,
  translate: translateBraintree,
  statesSameEvent: (stored, received) => payloadNameOf(stored) === payloadNameOf(received),
};

/** Only the payload is signed: forms of one payload state one event, whatever else they hold. */
function payloadNameOf(body: Buffer): string {
  const form = readForm(body);
  return form.kind === 'form' ? payloadSha256(form.payload) : body.toString('latin1');
}
