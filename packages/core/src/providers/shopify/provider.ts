import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateShopify } from './translate.ts';
import { createShopifyVerifier } from './verify.ts';

export const shopify: Provider = {
  id: 'shopify',
  mediaType: 'application/json',
  eventTypes: words(`
    Order Refund unsigned/orders/create unsigned/orders/paid unsigned/orders/updated unsigned/orders/cancelled
    unsigned/orders/fulfilled unsigned/orders/partially_fulfilled unsigned/orders/edited unsigned/orders/delete
    unsigned/refunds/create unsigned/order_transactions/create unsigned/disputes/create unsigned/disputes/update
    unsigned/app/uninstalled unsigned/customers/data_request unsigned/customers/redact unsigned/shop/redact
  `),
  documentation: {
    title: 'Shopify',
    signatureIn: '`X-Shopify-Hmac-Sha256`; topic, shop and ids are not signed and not acted upon',
    window: 'none: no time is signed',
    retries: '8 times over 4 hours; then a subscription made through the Admin API is deleted',
    covers: 'orders as payments, and refunds, told from the body alone',
    setup: [
      'Subscribe to orders/paid, orders/updated, orders/cancelled and refunds/create with the URL /webhooks/<endpoint>.',
      'Leave the payload whole: without `admin_graphql_api_id` a body does not say what it is and is ignored.',
      "Set the app's client secret as the first of `secrets`; after it is rotated keep the old one for an hour, with `notAfter`, and for the 4 hours of retries.",
    ],
    source:
      'shopify-app-js packages/apps/shopify-api/lib/webhooks/validate.ts; shopify.dev/docs/apps/build/webhooks/verify-deliveries; shopify.dev/changelog/updates-to-webhook-retry-mechanism',
  },
  createVerifier: createShopifyVerifier,
  translate: translateShopify,
  statesSameEvent: (stored, received) => stored.equals(received),
};
