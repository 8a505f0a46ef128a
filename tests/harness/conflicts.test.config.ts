import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';

/** A Stripe that can be asked how a payment stands, at a stand-in. */
export default defineConfiguration<LedgerTransaction>({
  endpoints: {
    stripe: {
      provider: 'stripe',
      account: 'acme',
      secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')],
      apiKey: 'rk_test_of_the_stand_in',
      apiOrigin: fromEnvironment('STRIPE_API_ORIGIN'),
    },
  },
});
