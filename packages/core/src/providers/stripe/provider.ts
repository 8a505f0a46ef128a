import type { Provider } from '../../provider.ts';
import { stripeEventTypes } from './documented-types.ts';
import { statesSameStripeEvent } from './event.ts';
import { confirmationSettings, createStripeConfirmer } from './confirm.ts';
import { createStripeSnapshotter, translateStripeSnapshot } from './snapshot.ts';
import { translateStripe, translateStripeObject } from './translate.ts';
import { createStripeVerifier } from './verify.ts';

export const stripe: Provider = {
  id: 'stripe',
  mediaType: 'application/json',
  eventTypes: stripeEventTypes,
  documentation: {
    title: 'Stripe',
    signatureIn: '`Stripe-Signature`: `t=<seconds>,v1=<hex>`',
    window: '300 s either way, by default',
    retries: 'up to three days with growing pauses in live mode; each retry is signed anew',
    covers: 'payment intents, charges, refunds, disputes, payouts',
    setup: [
      'Add an endpoint in the dashboard under Webhooks, with the snapshot payload style and the URL /webhooks/<endpoint>.',
      'Choose payment_intent.*, charge.*, refund.*, charge.dispute.* and payout.* events.',
      'Reveal the signing secret (whsec_…) and set it as the first of `secrets`.',
    ],
    source: 'stripe-node src/Webhooks.ts; docs.stripe.com/webhooks',
  },
  createVerifier: createStripeVerifier,
  translate: translateStripe,
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createStripeConfirmer,
    translate: translateStripeObject,
  },
  snapshots: {
    settings: confirmationSettings,
    createSnapshotter: createStripeSnapshotter,
    translate: translateStripeSnapshot,
  },
  statesSameEvent: statesSameStripeEvent,
};
