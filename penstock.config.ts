import { defineConfiguration, fromEnvironment, optionalFromEnvironment } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';

/**
 * What this installation receives and what it does about it. Endpoint names
 * are the last part of the URL to give to the provider: /webhooks/<name>.
 */
export default defineConfiguration<LedgerTransaction>({
  endpoints: {
    stripe: {
      provider: 'stripe',
      // While a secret is rolled in the dashboard, both, newest first: whsec_new,whsec_old
      secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')],
    },
    paypal: {
      provider: 'paypal',
      webhookId: fromEnvironment('PAYPAL_WEBHOOK_ID'),
      environment: 'sandbox',
      // With both of these, what cannot be decided offline is asked of PayPal.
      clientId: optionalFromEnvironment('PAYPAL_CLIENT_ID'),
      clientSecret: optionalFromEnvironment('PAYPAL_CLIENT_SECRET'),
    },
    // Nobody's: a worker with CANARY_URL sends an event here every minute, and says when none comes through.
    canary: { provider: 'standard-webhooks', secrets: [fromEnvironment('CANARY_SECRET')] },
  },

  handlers: [
    // on('payment.captured', 'grant-credits', async ({ event, tx }) => { … }): see README.md
  ],
});
