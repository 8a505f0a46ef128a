import type { Provider } from '../../provider.ts';
import { translateStandardWebhooks } from './translate.ts';
import { createStandardWebhooksVerifier } from './verify.ts';

export const standardWebhooks: Provider = {
  id: 'standard-webhooks',
  mediaType: 'application/json',
  eventTypes: null,
  documentation: {
    title: 'Standard Webhooks and Svix',
    signatureIn: '`webhook-id`, `webhook-timestamp` and `webhook-signature`, or the same three as `svix-*`',
    window: '300 seconds either way, configurable',
    retries: 'the sender decides; the specification suggests ten attempts over some three days, each signed anew',
    covers: 'nothing of itself: events are stored and ignored',
    setup: [
      'Add an endpoint at the sender with the URL /webhooks/<endpoint>.',
      "Set the endpoint's `whsec_…` signing secret, or the sender's `whpk_…` public key, as the first of `secrets`.",
      'Where the sender keys the HMAC with the text of the secret, set `format` to `raw`.',
    ],
    source: 'standard-webhooks spec/standard-webhooks.md 1.0.0; standardwebhooks dist/index.js; svix src/webhook.ts',
  },
  createVerifier: createStandardWebhooksVerifier,
  translate: translateStandardWebhooks,
  statesSameEvent: (stored, received) => stored.equals(received),
};
