import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { createMollieConfirmer, createMollieSnapshotter } from './confirm.ts';
import { confirmationSettings } from './settings.ts';
import { translateMollie, translateMollieAnswer, translateMollieSnapshot } from './translate.ts';
import { classicId, createMollieVerifier } from './verify.ts';

export const mollie: Provider = {
  id: 'mollie',
  mediaType: null,
  eventTypes: words(`
    payment payment.paid payment.failed payment.canceled payment.expired payment.authorized payment.pending
    payment.open payment-link.paid refund.queued refund.pending refund.processing refund.refunded refund.failed
    refund.canceled order refund chargeback settlement invoice subscription
  `),
  documentation: {
    title: 'Mollie',
    signatureIn: '`X-Mollie-Signature` (next-gen); none (classic), hence `token` in the URL',
    window: 'none: no time is signed',
    retries: 'classic: 10 times over about 26 hours (third-party account); next-gen: not verified',
    covers: 'payments with their refunds and chargebacks',
    setup: [
      'Next-gen: add a webhook in the dashboard with the URL /webhooks/<endpoint>, payment and refund events and full payloads, and put its signing secret first in `secrets`. With simple payloads, set `apiKey` too; what becomes of a refund is not told then.',
      'Classic: create payments with the webhookUrl /webhooks/<endpoint>?token=<token>, a random token of yours that stands in `tokens`, and set `apiKey`: the worker fetches each payment from Mollie and acts on the answer alone.',
      'A token is renewed by adding the new one to `tokens`; Mollie calls a payment’s old URL for as long as the payment changes.',
    ],
    source:
      'mollie-api-php src/Webhooks/SignatureValidator.php; docs.mollie.com/reference/webhooks, /webhooks-new, /get-payment, /get-refund, /refunds-api-webhooks',
  },
  createVerifier: createMollieVerifier,
  translate: translateMollie,
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createMollieConfirmer,
    translate: translateMollieAnswer,
  },
  snapshots: {
    settings: confirmationSettings,
    createSnapshotter: createMollieSnapshotter,
    translate: translateMollieSnapshot,
    refundsKeepTheirTime: true,
  },
  // Of a classic form nothing is believed but the id, which its event id holds.
  statesSameEvent: (stored, received) => stored.equals(received) || classicId(stored) !== null,
};
