import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';

/** A Stripe that can be asked how a payment stands, and a PayPal that is asked about its events, at one stand-in. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: {
    stripe: {
      provider: 'stripe',
      account: 'acme',
      secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')],
      apiKey: 'rk_test_of_the_stand_in',
      apiOrigin: fromEnvironment('STRIPE_API_ORIGIN'),
    },
    paypal: {
      provider: 'paypal',
      webhookId: fromEnvironment('PAYPAL_WEBHOOK_ID'),
      environment: { simulator: fromEnvironment('STRIPE_API_ORIGIN') },
      clientId: 'client-of-the-test',
      clientSecret: 'secret-of-the-test',
    },
  },
});
