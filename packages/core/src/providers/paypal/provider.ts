import type { Provider } from '../../provider.ts';
import { confirmationSettings, createPayPalConfirmer, translatePayPalAnswer } from './confirm.ts';
import { translatePayPal } from './translate.ts';
import { createPayPalVerifier } from './verify.ts';

export const paypal: Provider = {
  id: 'paypal',
  mediaType: 'application/json',
  documentation: {
    title: 'PayPal',
    signatureIn: '`PAYPAL-TRANSMISSION-ID`, `-TIME`, `-SIG`, `PAYPAL-CERT-URL`, `PAYPAL-AUTH-ALGO`',
    window: 'three days and an hour back, 300 s ahead, by default',
    retries: '25 times over three days',
    covers: 'orders, authorizations, captures, sales, refunds, disputes, payout items',
    setup: [
      'Add a webhook to the REST app in the developer dashboard, with the https URL /webhooks/<endpoint>.',
      'Choose CHECKOUT.ORDER.*, PAYMENT.*, CUSTOMER.DISPUTE.* events.',
      'Set the webhook id, and the client id and secret: ingest asks PayPal what it cannot decide offline, and the worker fetches each event about money before it acts on it (`confirm`: `always`, `money`, `never`).',
    ],
    source: 'PayPal-Python-SDK notifications.py; PayPal openapi notifications_webhooks_v1.json',
  },
  createVerifier: createPayPalVerifier,
  translate: translatePayPal,
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createPayPalConfirmer,
    translate: translatePayPalAnswer,
  },
  // Offline verification proves only a CRC32 of the body, so no difference between two bodies is harmless.
  statesSameEvent: (stored, received) => stored.equals(received),
};
