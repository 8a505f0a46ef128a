import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateLemonSqueezy } from './translate.ts';
import { createLemonSqueezyVerifier } from './verify.ts';

export const lemonSqueezy: Provider = {
  id: 'lemon-squeezy',
  mediaType: 'application/json',
  eventTypes: words(`
    order_created order_refunded subscription_created subscription_updated subscription_cancelled
    subscription_resumed subscription_expired subscription_paused subscription_unpaused subscription_payment_success
    subscription_payment_failed subscription_payment_recovered subscription_payment_refunded
    subscription_plan_changed license_key_created license_key_updated affiliate_activated
  `),
  documentation: {
    title: 'Lemon Squeezy',
    signatureIn: '`x-signature`',
    window: 'none: no time is signed',
    retries: 'up to three more times (e.g. after 5, 25 and 125 seconds), then never again; resend from the dashboard',
    covers: 'orders, subscription renewals, what was refunded of them; no disputes are sent',
    setup: [
      'Add a webhook under Settings, Webhooks with the URL /webhooks/<endpoint>.',
      'Choose the order_created, order_refunded and subscription_payment_* events.',
      'Set the signing secret (6 to 40 characters) as the first of `secrets`.',
      'Test mode has webhooks of its own: give them an endpoint of their own.',
    ],
    source: 'docs.lemonsqueezy.com/help/webhooks; lmsqueezy/laravel VerifyWebhookSignature.php',
  },
  createVerifier: createLemonSqueezyVerifier,
  translate: translateLemonSqueezy,
  statesSameEvent: (stored, received) => stored.equals(received),
};
