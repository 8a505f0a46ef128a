import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { createFlutterwaveConfirmer } from './confirm.ts';
import { confirmationSettings } from './settings.ts';
import { translateFlutterwaveAnswer } from './translate.ts';
import { createFlutterwaveVerifier } from './verify.ts';

export const flutterwave: Provider = {
  id: 'flutterwave',
  mediaType: 'application/json',
  eventTypes: words(`
    charge.completed transfer.completed refund.completed subscription.cancelled singlebillpayment.status
  `),
  documentation: {
    title: 'Flutterwave (v3)',
    signatureIn: '`verif-hash`: the secret hash as it is',
    window: 'none: nothing is signed',
    retries: 'three times, 30 minutes apart, where retries are switched on (not verified); an answer within 60 s',
    covers: 'charges',
    setup: [
      'In Settings → Webhooks, set the URL /webhooks/<endpoint> and a secret hash, long and random.',
      'Put the hash first in `secrets`, and the secret API key into `secretKey`: the worker fetches each transaction and acts on the answer alone.',
    ],
    source: 'developer.flutterwave.com, v3.0.0, webhooks and transactions/{id}/verify',
  },
  createVerifier: createFlutterwaveVerifier,
  // Nothing of the body is signed.
  translate: () => [],
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createFlutterwaveConfirmer,
    translate: translateFlutterwaveAnswer,
  },
  // The body is believed in nothing but the transaction's id, which the event id holds.
  statesSameEvent: () => true,
};
