import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { statesSameCoinbaseEvent, translateCoinbaseCommerce } from './translate.ts';
import { createCoinbaseCommerceVerifier } from './verify.ts';

export const coinbaseCommerce: Provider = {
  id: 'coinbase-commerce',
  mediaType: 'application/json',
  eventTypes: words(`
    charge:created charge:pending charge:confirmed charge:resolved charge:failed charge:delayed invoice:created
    invoice:viewed invoice:payment_pending invoice:paid invoice:voided checkout:created checkout:updated
    checkout:deleted
  `),
  documentation: {
    title: 'Coinbase Commerce',
    signatureIn: '`X-CC-Webhook-Signature`',
    window: 'none: no time is signed',
    retries: 'for up to three days, ever less often, at least hourly',
    covers: 'charges; there are no events of refunds or disputes',
    setup: [
      'Add an endpoint under Settings, Webhook subscriptions, with the URL /webhooks/<endpoint>.',
      'Choose all events, or the charge:* ones.',
      'Set the shared webhook secret from Settings, Notifications, as the first of `secrets`.',
    ],
    source: 'coinbase-commerce-node lib/Webhook.js; docs.cdp.coinbase.com/commerce, webhooks',
  },
  createVerifier: createCoinbaseCommerceVerifier,
  translate: translateCoinbaseCommerce,
  statesSameEvent: statesSameCoinbaseEvent,
};
