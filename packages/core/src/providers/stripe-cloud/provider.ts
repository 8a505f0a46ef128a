import type { Provider } from '../../provider.ts';
import { stripeEventTypes } from '../stripe/documented-types.ts';
import { confirmationSettings, createStripeCloudConfirmer } from './confirm.ts';
import { translateStripeCloudAnswer } from './translate.ts';
import { createStripeCloudVerifier } from './verify.ts';

export const stripeCloud: Provider = {
  id: 'stripe-cloud',
  // Event Grid sends application/cloudevents+json.
  mediaType: null,
  eventTypes: stripeEventTypes,
  documentation: {
    title: 'Stripe by EventBridge or Event Grid',
    signatureIn: '`authorization: Bearer <token>`: a token of yours as it is',
    window: 'none: nothing is signed',
    retries: "the cloud's: EventBridge for 24 hours by default, Event Grid for 24 hours",
    covers: 'snapshot events, as of Stripe; thin events are stored',
    setup: [
      'EventBridge: create a connection of type API key with the name `Authorization` and the value `Bearer <token>`, an API destination with the URL /webhooks/<endpoint>, and a rule that sends it the partner event bus.',
      'Event Grid: create an event subscription of type webhook, schema CloudEvents v1.0, with the delivery property `Authorization` (secret) `Bearer <token>`; its validation request is answered by hand, by opening the validation URL.',
      'Put the token first in `secrets`, and a restricted Stripe key that may read events into `apiKey`: the worker fetches each event from Stripe and acts on the answer alone.',
    ],
    source: 'docs.stripe.com/event-destinations; stripe-node esm/utils.js maybeExtractFromCloudProviderEnvelope',
  },
  createVerifier: createStripeCloudVerifier,
  // Nothing of the body is signed.
  translate: () => [],
  confirmation: {
    settings: confirmationSettings,
    createConfirmer: createStripeCloudConfirmer,
    translate: translateStripeCloudAnswer,
  },
  // The body is believed in nothing but the event's id.
  statesSameEvent: () => true,
};
